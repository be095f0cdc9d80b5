import { decodeKubeconfig, findFlag, parseKubeconfig, renderNewKubeconfig } from '@kube-rescue/node-config';
import { type Host, type HostPath, isIpAddress, joinPath } from '@kube-rescue/host';
import type { CaEntry } from '../inventory/ca-inventory.ts';
import type { CertificateId } from '../inventory/catalogue.ts';
import type { CertificateInventory, InspectionInput } from '../inventory/inventory.ts';
import { attempt } from '../inventory/reading.ts';
import type { ScratchFacts } from './scratch-facts.ts';
import type { MissingFact } from './scratch-subject.ts';

type Reader = Pick<Host, 'readFile' | 'readLink'>;

/** Kubeconfigs of components on the node itself, which kubeadm points at its own API server since 1.20. */
const LOCAL = ['controller-manager.conf', 'scheduler.conf'];
const SHARED = ['admin.conf', 'super-admin.conf', 'kubelet.conf'];
const SINCE_LOCAL = 20;

async function readServer(path: HostPath, reader: Reader): Promise<string | undefined> {
  const reading = await attempt(async () => {
    const bytes = await reader.readFile(path);
    return bytes === undefined ? '' : parseKubeconfig(decodeKubeconfig(bytes, path), path).server;
  });
  return reading.ok && reading.value !== '' ? reading.value : undefined;
}

/** The address of this node's own API server, by its flags. */
function localEndpoint({ components }: InspectionInput): string | undefined {
  const flag = (name: string) => findFlag(components, { component: 'kube-apiserver', flag: name });
  const address = flag('advertise-address');
  if (address === undefined || !isIpAddress(address)) return undefined;
  return `https://${address.includes(':') ? `[${address}]` : address}:${flag('secure-port') ?? '6443'}`;
}

/**
 * The server of a kubeconfig from scratch: that of its neighbours, which kubeadm gives the same; without them, that of kubeadm's
 * configuration, else the API server of this node.
 */
export async function findScratchServer(
  id: CertificateId,
  input: InspectionInput,
  { kubernetesMinor, controlPlaneUrl }: Pick<ScratchFacts, 'kubernetesMinor' | 'controlPlaneUrl'>,
  reader: Reader,
): Promise<string | MissingFact> {
  const own = id === 'kubelet-client' ? 'kubelet.conf' : id;
  const isLocal = LOCAL.includes(own);
  const read = (name: string) => readServer(joinPath(input.kubernetesDirectory, name), reader);
  const firstOf = async (names: readonly string[]): Promise<string | undefined> => {
    for (const name of names) {
      const server = name === own ? undefined : await read(name);
      if (server !== undefined) return server;
    }
    return undefined;
  };
  const shared = async () => (await firstOf(SHARED)) ?? controlPlaneUrl;
  const local = localEndpoint(input);
  const isOld = kubernetesMinor !== undefined && kubernetesMinor < SINCE_LOCAL;
  const server = isLocal
    ? ((await firstOf(LOCAL)) ?? (isOld ? await shared() : undefined) ?? local)
    : ((await shared()) ?? local);
  return server ?? { missing: 'neither a kubeconfig nor a flag of this node shows the address of the API server' };
}

/** A new kubeconfig in the shape of kubeadm's, with the CA of the cluster. */
export function renderScratchKubeconfig(
  content: Pick<Parameters<typeof renderNewKubeconfig>[0], 'server' | 'userName' | 'credentials'> & {
    readonly trust: string;
  },
  { input }: Pick<CertificateInventory, 'input'>,
): string {
  const flag = { component: 'kube-controller-manager', flag: 'cluster-name' } as const;
  return renderNewKubeconfig({ ...content, clusterName: findFlag(input.components, flag) ?? 'kubernetes' });
}

/** PEM of the CA as its file has it, for `certificate-authority-data`. */
export async function readTrust({ path }: CaEntry, reader: Reader): Promise<string> {
  return Buffer.from((await reader.readFile(path)) ?? new Uint8Array()).toString('latin1');
}
