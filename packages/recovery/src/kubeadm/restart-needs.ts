import {
  type CaEntry,
  type CertificateInventory,
  inspectCertificates,
  judgeCa,
  judgeCertificate,
  type JudgementOptions,
  type ReissueOptions,
  type RenewalOptions,
  renewalNotice,
} from '@kube-rescue/cert-rotation';
import { findKubeletStaleness, findPodStaleness, type RestartNeed } from '@kube-rescue/static-manifests';
import { CONTROL_PLANE, findPod, type Node } from '@kube-rescue/node';
import { isHandedIn, type ReissuedCasOptions } from './reissued-cas.ts';

const READY_TIMEOUT_MS = 1_500;

/** Finds the components that run with outdated files, or whose certificates are to be renewed. */
export async function findRestartNeeds(
  node: Node,
  options: RenewalOptions & ReissueOptions & ReissuedCasOptions,
): Promise<{ readonly pods: readonly RestartNeed[]; readonly kubelet: string | undefined }> {
  const description = await node.describe();
  const inventory = await inspectCertificates(description.inspection, node);
  const judgement = { now: node.clock.now(), ...renewalNotice(options) };
  const findRenewal = (component: string): string | undefined =>
    findCertificateToRenew(inventory, component, judgement, options.all ?? false) ??
    findCaToReissue(inventory, component, judgement.now, options);
  const pods: RestartNeed[] = [];
  for (const component of CONTROL_PLANE) {
    const pod = findPod(description, component);
    const flags = description.components.find((candidate) => candidate.component === component);
    if (pod === undefined || flags === undefined) continue;
    const reason = findRenewal(component) ?? (await findPodStaleness({ pod, flags }, node));
    pods.push({ pod, reason });
  }
  const kubelet = findRenewal('kubelet') ?? (await findKubeletStaleness(description.kubelet, node));
  const isAnyDue = pods.some(({ reason }) => reason !== undefined);
  return { pods, kubelet: kubelet ?? (isAnyDue ? await findStuckKubelet(node) : undefined) };
}

/** A kubelet that has not reached the API server since it started removes no pod (kubelet `kubelet.go` deletePod). */
async function findStuckKubelet({ api }: Node): Promise<string | undefined> {
  const { signal } = new AbortController();
  const reading = await api.read('/readyz', signal, READY_TIMEOUT_MS);
  if (reading.state === 'answered' && reading.status === 200) return undefined;
  return 'the kubelet cannot reach the API server and would not terminate the old pods';
}

/** The certificate of a component that the plan renews. */
function findCertificateToRenew(
  inventory: CertificateInventory,
  component: string,
  judgement: JudgementOptions,
  all: boolean,
): string | undefined {
  const due = inventory.certificates.find(
    (entry) =>
      entry.definition.component === component && (all || judgeCertificate(entry, inventory, judgement).length > 0),
  );
  return due && `${component} uses a certificate that is to be renewed: the ${due.definition.name}`;
}

/** The CA in a component's flags that the plan reissues, or replaces by a reissued one. */
function findCaToReissue(
  { cas, input }: CertificateInventory,
  component: string,
  now: Date,
  options: ReissueOptions & ReissuedCasOptions,
): string | undefined {
  const { force = [], reissuedSet } = options;
  const flags = input.components.find((candidate) => candidate.component === component)?.flags;
  const named = new Set<string>(flags?.values());
  const isDue = (ca: CaEntry): boolean =>
    force.includes(ca.id) ||
    (reissuedSet?.cas.has(ca.id) === true && !isHandedIn(ca, options)) ||
    judgeCa(ca, now).some(({ code }) => code === 'PKI_CA_EXPIRED');
  const due = cas.find((ca) => named.has(ca.path) && isDue(ca));
  return due && `${component} trusts a CA that is to be reissued: the ${due.definition.name}`;
}
