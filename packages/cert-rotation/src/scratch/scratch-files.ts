import { type HostFiles, type HostPath, hostPath } from '@kube-rescue/host';
import type { Change } from '@kube-rescue/workflow';
import { readFileCredentials } from '../inventory/certificate-location.ts';
import type { CertificateEntry, CertificateInventory } from '../inventory/inventory.ts';
import { locateKubeletStore, type KubeletStore } from '../inventory/kubelet-inventory.ts';
import { judgeCertificate } from '../judgement/judgement.ts';
import { followLinks, planLostFile, PRIVATE_KEY_MODE } from '../renewal/file-target.ts';
import { planStoreChanges } from '../renewal/renewal-files.ts';
import { readTrust, renderScratchKubeconfig } from './scratch-kubeconfig.ts';
import { keptKey, type ScratchPlan } from './scratch-plan.ts';

type Files = Pick<HostFiles, 'stat' | 'readFile' | 'readLink'>;

const CERTIFICATE_MODE = 0o644;

/** The store that a kubelet.conf from scratch names. */
function storeOf(entry: CertificateEntry, { input }: Pick<CertificateInventory, 'input'>): KubeletStore | undefined {
  return entry.id === 'kubelet-client' ? (entry.store ?? locateKubeletStore(input.components)) : undefined;
}

/** Whether the kubelet's store still has a certificate that works: a lost kubelet.conf needs no other. */
async function isStoreGood(
  entry: CertificateEntry,
  store: KubeletStore,
  inventory: Pick<CertificateInventory, 'cas'>,
  now: Date,
  files: Files,
): Promise<boolean> {
  const credentials = await readFileCredentials(files, store.link, store.link);
  const kept = { ...entry, ...credentials, store, loss: undefined, keyLoss: undefined };
  return judgeCertificate(kept, inventory, { now, expiringWithinDays: 0 }).length === 0;
}

/** Plans the files of a certificate from scratch. Reads only digests, modes and owners. */
export async function planScratchChanges(
  entry: CertificateEntry,
  inventory: Pick<CertificateInventory, 'input' | 'cas'>,
  now: Date,
  files: Files,
): Promise<readonly Change[]> {
  const { certificateLocation, keyLocation } = entry;
  const store = storeOf(entry, inventory);
  if (store !== undefined) {
    if (certificateLocation.in !== 'kubeconfig') return planStoreChanges(store, now, files);
    const kubeconfig = await planLostFile(certificateLocation.path, PRIVATE_KEY_MODE, files);
    const isKept = await isStoreGood(entry, store, inventory, now, files);
    return isKept ? [kubeconfig] : [...(await planStoreChanges(store, now, files)), kubeconfig];
  }
  if (certificateLocation.in === 'kubeconfig')
    return [await planLostFile(certificateLocation.path, PRIVATE_KEY_MODE, files)];
  const key = keptKey(entry) === undefined ? [await planLostFile(keyLocation.path, PRIVATE_KEY_MODE, files)] : [];
  return [await planLostFile(certificateLocation.path, CERTIFICATE_MODE, files), ...key];
}

/** The new bytes of one file of {@link planScratchChanges}. */
export async function renderScratchFile(
  entry: CertificateEntry,
  target: HostPath,
  {
    plan,
    pems,
    inventory,
  }: {
    readonly plan: ScratchPlan;
    readonly pems: { readonly certificate: string; readonly key: string };
    readonly inventory: Pick<CertificateInventory, 'input'>;
  },
  files: Files,
): Promise<Uint8Array> {
  const isAt = async (path: HostPath): Promise<boolean> => (await followLinks(files, path)) === target;
  const { certificateLocation, keyLocation } = entry;
  const store = storeOf(entry, inventory);
  if (certificateLocation.in === 'kubeconfig' && (await isAt(certificateLocation.path))) {
    const { server = '', subject, ca } = plan;
    const trust = await readTrust(ca, files);
    const credentials = store === undefined ? pems : { path: hostPath(store.link) };
    return Buffer.from(
      renderScratchKubeconfig({ server, trust, userName: subject.commonName, credentials }, inventory),
    );
  }
  // The kubelet's order: the certificate, then the key.
  if (store !== undefined) return Buffer.from(pems.certificate + pems.key);
  return Buffer.from((await isAt(keyLocation.path)) ? pems.key : pems.certificate);
}
