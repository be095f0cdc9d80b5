import { type Host, hostPath, type HostPath, joinPath } from '@kube-rescue/host';
import { isRecoveryError } from '@kube-rescue/errors';
import { type ContextChoice, type KubeconfigClient, readKubeconfigClient } from '@kube-rescue/node-config';
import { parseCertificates } from '@kube-rescue/x509';
import type { Finding } from '../cause.ts';

type Reader = Pick<Host, 'readFile' | 'readLink' | 'list' | 'stat'>;

const HOMES = hostPath('/home');
const ROOT_HOME = hostPath('/root');
/** More homes than any machine of a control plane has. */
const MAX_HOMES = 200;

/**
 * Kubeconfigs in home directories (`~/.kube/config`) that are copies of `admin.conf` and no longer work: kubectl fails there
 * although the cluster has recovered. Named, never changed.
 *
 * A copy has the same server and the same user's subject; it fails when its certificate has expired, or when it trusts another CA
 * than `admin.conf`. A file that cannot be read or that is a link is passed over. Source: kubernetes.io, "Certificate Management
 * with kubeadm".
 * @param admin path of the kubeconfig that the copies were made from
 * @param choice the context of this cluster, in files that hold several
 */
export async function findOutdatedCopies(
  admin: HostPath,
  { host, now }: { readonly host: Reader; readonly now: Date },
  choice: ContextChoice = {},
): Promise<readonly Finding[]> {
  const original = await readClient(admin, host, choice);
  if (original === undefined) return [];
  const names = ((await host.list(HOMES)) ?? []).toSorted().slice(0, MAX_HOMES);
  const homes = [ROOT_HOME, ...names.map((name) => joinPath(HOMES, name))];
  const copies = await Promise.all(
    homes.map((home) => judgeCopy(joinPath(home, '.kube', 'config'), original, { host, now }, choice)),
  );
  const outdated = copies.filter((copy) => copy !== undefined);
  if (outdated.length === 0) return [];
  return [
    {
      code: 'KUBECONFIG_COPY_OUTDATED',
      summary: `kubectl fails with ${outdated.length === 1 ? 'an old copy' : `${outdated.length} old copies`} of ${admin}`,
      evidence: outdated.map(({ path, reason }) => `${path}: ${reason}`),
      hint: `once ${admin} is valid: ${outdated.map(({ path }) => `cp -i ${admin} ${path}`).join('; ')}`,
    },
  ];
}

interface OutdatedCopy {
  readonly path: HostPath;
  readonly reason: string;
}

async function judgeCopy(
  path: HostPath,
  original: KubeconfigClient,
  { host, now }: { readonly host: Reader; readonly now: Date },
  choice: ContextChoice,
): Promise<OutdatedCopy | undefined> {
  const client = await readClient(path, host, choice);
  const certificate = client === undefined ? undefined : firstCertificate(client.certificate);
  const model = firstCertificate(original.certificate);
  if (client === undefined || certificate === undefined || client.server !== original.server) return undefined;
  if (certificate.x509.subject !== model?.x509.subject) return undefined;
  if (now > certificate.notAfter) return { path, reason: 'its certificate has expired' };
  return client.ca.trim() === original.ca.trim() ? undefined : { path, reason: 'it trusts another CA' };
}

/** The owner of a home may write anything there: what cannot be read is passed over, and links are not followed. */
async function readClient(path: HostPath, host: Reader, choice: ContextChoice): Promise<KubeconfigClient | undefined> {
  try {
    if ((await host.stat(path))?.kind !== 'file') return undefined;
    return await readKubeconfigClient(path, { host }, choice);
  } catch (error) {
    if (isRecoveryError(error)) return undefined;
    throw error;
  }
}

function firstCertificate(pem: string): ReturnType<typeof parseCertificates>[number] | undefined {
  try {
    return parseCertificates(pem, 'kubeconfig')[0];
  } catch (error) {
    if (isRecoveryError(error)) return undefined;
    throw error;
  }
}
