import {
  editKubeconfig,
  findFlag,
  type FlagReference,
  type KubeconfigCredential,
  parseKubeconfig,
  readKubeconfigTrust,
  replaceKubeconfigTrust,
} from '@kube-rescue/node-config';
import { type HostFiles, type HostPath, hostPath } from '@kube-rescue/host';
import { type Certificate, encodePem, isSameCertificate, parseCertificate, readPem } from '@kube-rescue/x509';
import { readContextChoice } from '../inventory/cluster-context.ts';
import { CA_DEFINITIONS, type CaId } from '../inventory/catalogue.ts';
import { followLinks } from '../renewal/file-target.ts';
import type { InspectionInput } from '../inventory/inventory.ts';
import { attempt } from '../inventory/reading.ts';
import { listKubeconfigs } from '../renewal/trust-locations.ts';

/** A file that must hold a CA. */
export interface CaLocation {
  readonly target: HostPath;
  render(bytes: Uint8Array | undefined): Uint8Array;
}

interface Deps {
  readonly host: Pick<HostFiles, 'readFile' | 'readLink' | 'list'>;
  readonly now: Date;
}

/** Further flags that name the cluster CA: the kubelet verifies its clients with it. */
const FURTHER_FLAGS: Partial<Record<CaId, readonly FlagReference[]>> = {
  cluster: [{ component: 'kubelet', flag: 'client-ca-file' }],
};

/**
 * Finds the files that must trust a CA and do not: they hold another CA, after an interrupted rotation or
 * because etcd and the API server were rotated at different times. Valid certificates of other CAs stay in them.
 *
 * @param roots the future issuing CA of each kind of certificate
 */
export async function findTrustGaps(
  roots: ReadonlyMap<CaId, Certificate>,
  node: InspectionInput,
  deps: Deps,
): Promise<readonly CaLocation[]> {
  const locations: CaLocation[] = [];
  for (const [id, root] of roots) {
    const flags = [
      ...(CA_DEFINITIONS.find((each) => each.id === id)?.certificateFlags ?? []),
      ...(FURTHER_FLAGS[id] ?? []),
    ];
    const paths = flags.flatMap((flag) => findFlag(node.components, flag) ?? []).map(hostPath);
    for (const path of new Set(paths)) {
      const target = await followLinks(deps.host, path);
      const render = (bytes: Uint8Array | undefined): Uint8Array =>
        Buffer.from(withRoot(Buffer.from(bytes ?? []).toString('latin1'), root, target, deps.now), 'latin1');
      if (await isChanged(target, render, deps)) locations.push({ target, render });
    }
  }
  const root = roots.get('cluster');
  return root === undefined ? locations : [...locations, ...(await findKubeconfigGaps(root, node, deps))];
}

async function findKubeconfigGaps(root: Certificate, node: InspectionInput, deps: Deps): Promise<CaLocation[]> {
  const locations: CaLocation[] = [];
  const { isOfCluster = () => false } = await readContextChoice(node, deps);
  for (const path of new Set(await listKubeconfigs(node, deps.host))) {
    const target = await followLinks(deps.host, path);
    const render = (bytes: Uint8Array | undefined): Uint8Array =>
      editKubeconfig(bytes ?? new Uint8Array(), path, (source) => {
        const isOurs = chooseClusters(source, path, isOfCluster);
        return replaceKubeconfigTrust(source, path, (pem) => (isOurs(pem) ? withRoot(pem, root, path, deps.now) : pem));
      });
    const bytes = await deps.host.readFile(target);
    if (bytes === undefined) continue;
    const readable = await attempt(() => render(bytes));
    if (readable.ok && (await isChanged(target, render, deps))) locations.push({ target, render });
  }
  return locations;
}

/** The clusters of a kubeconfig that are this one: by the CA on this node; where none has it, that of the current context. */
function chooseClusters(
  source: string,
  path: HostPath,
  isOfCluster: (trust: KubeconfigCredential) => boolean,
): (pem: string) => boolean {
  const embedded = readKubeconfigTrust(source, path).filter((trust) => trust.in === 'kubeconfig');
  if (embedded.some(isOfCluster) || embedded.length < 2) {
    return (text) => embedded.length < 2 || isOfCluster({ in: 'kubeconfig', text });
  }
  const { trust } = parseKubeconfig(source, path);
  return (text) => trust?.in === 'kubeconfig' && trust.text === text;
}

async function isChanged(target: HostPath, render: CaLocation['render'], { host }: Deps): Promise<boolean> {
  const present = await host.readFile(target);
  return Buffer.compare(render(present), present ?? new Uint8Array()) !== 0;
}

/** The unchanged bundle when it holds the root; otherwise the root and then the CAs of the bundle that are still valid. */
function withRoot(pem: string, root: Certificate, source: string, now: Date): string {
  const present = certificatesIn(pem, source);
  if (present.some((each) => isSameCertificate(each, root))) return pem;
  const valid = present.filter(({ notAfter, x509 }) => now <= notAfter && x509.ca);
  return [root, ...valid].map(({ der }) => encodePem('CERTIFICATE', der)).join('');
}

function certificatesIn(pem: string, source: string): readonly Certificate[] {
  try {
    return readPem(pem, source)
      .filter(({ label }) => label === 'CERTIFICATE')
      .map(({ der }) => parseCertificate(der, source));
  } catch {
    // A file that cannot be parsed trusts no CA, and is replaced.
    return [];
  }
}
