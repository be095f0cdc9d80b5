import type { Playbook } from '@kube-rescue/workflow';
import { listVoters, type Node } from '@kube-rescue/node';
import type { IngressDnsPhases } from './ingress-dns/ingress-dns-phases.ts';
import { createRecoveryPlaybook, type MembersOptions } from './kubeadm/recovery.ts';
import { openReissuedCas, type ReissuedCasInput } from './kubeadm/reissued-cas.ts';
import { assertSingleMember } from './kubeadm/single-member.ts';
import type { SelfHostedDeps, SelfHostedOptions } from './self-hosted/options.ts';
import { createSelfHostedPlaybook } from './self-hosted/playbook.ts';

/** Options of a recovery; a layout ignores the options of the other. */
export type NodePlaybookOptions = SelfHostedOptions &
  Pick<MembersOptions, 'membersTimeoutMs'> & {
    /** CA certificates that were reissued once for all control-plane nodes, of kubeadm alone. Default: none. */
    readonly reissuedCas?: ReissuedCasInput | undefined;
  };

export interface NodePlaybookDeps extends Omit<SelfHostedDeps, keyof Node> {
  /** Ingress DNS as a part of the recovery. Default: it has none. */
  readonly ingressDns?: IngressDnsPhases | undefined;
  /** Ends the questions to etcd about its members. */
  readonly signal: AbortSignal;
}

/**
 * The recovery playbook for this node's layout.
 * @throws NodeError `NODE_NOT_FOUND` `LAYOUT_UNSUPPORTED`; PkiError `PKI_SET_UNFIT`; ManifestError; HostError, as `Node.describe`
 */
export async function createNodePlaybook(
  node: Node,
  options: NodePlaybookOptions,
  { signal, ingressDns, ...deps }: NodePlaybookDeps,
): Promise<Playbook> {
  const { layout } = await node.describe();
  askEarly(node, signal);
  const { reissuedCas } = options;
  const reissuedSet = reissuedCas === undefined ? undefined : await openReissuedCas(reissuedCas, layout);
  if (layout === 'self-hosted') return createSelfHostedPlaybook(options, { ...node, ...deps }, ingressDns);
  if (options.adopt !== undefined) await assertSingleMember(node, signal, 'adopt');
  const voters = await listVoters(node, signal);
  const isOneOfSeveral = (voters?.members.length ?? 0) > 1;
  const playbook = createRecoveryPlaybook(node, { ...options, reissuedSet, isOneOfSeveral });
  const { credentials, names } = ingressDns ?? {};
  return { ...playbook, phases: [...playbook.phases, credentials, names].filter((phase) => phase !== undefined) };
}

/**
 * Asks the API server before the plan needs its answer: the time-out of one that takes connections and does not answer passes while the
 * plan is made, and the read session remembers it.
 */
function askEarly({ host, api }: Node, signal: AbortSignal): void {
  if (host.kind === 'live') api.read('/readyz', signal).catch(() => undefined);
}
