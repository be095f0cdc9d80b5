import type { CertificateInventory, CertificateRow } from '@kube-rescue/cert-rotation';
import type { Host } from '@kube-rescue/host';
import type { ComponentFlags } from '@kube-rescue/node-config';
import type { Finding } from '../cause.ts';
import { findContradictions } from './contradictions.ts';
import { findUnreadableFlagFiles } from './named-files.ts';
import { findLostRequestSigners, findTokenKeyFaults } from './token-keys.ts';

/** Words of the flags that name certificates, keys and kubeconfigs: `client-ca-file`, `etcd-cafile`, `tls-sni-cert-key`. */
const CERTIFICATE_WORDS: ReadonlySet<string> = new Set([
  ...['ca', 'cafile', 'cert', 'certfile', 'certificate', 'certificates', 'key', 'keyfile', 'kubeconfig'],
]);

/** Whether a flag names certificates, keys or kubeconfigs. */
function isCertificateFlag(flag: string): boolean {
  return flag.split('-').some((word) => CERTIFICATE_WORDS.has(word));
}

/**
 * What is wrong with the certificates in the flags of the components, although every file that is there is good alone: flags that
 * contradict each other, and files that a program cannot open. Reads files only.
 *
 * @param rows files that are reported already
 * @throws HostError when a directory on the way cannot be read
 */
export async function findCertificateFindings(
  components: readonly ComponentFlags[],
  rows: readonly CertificateRow[],
  inventory: CertificateInventory,
  { host }: { readonly host: Pick<Host, 'readFile' | 'stat'> },
): Promise<readonly Finding[]> {
  const tokenKeys = await findTokenKeyFaults(components, { host });
  const judged = new Set([...pathsOf(rows), ...tokenKeys.paths]);
  const findings = await Promise.all([
    findUnreadableFlagFiles(components, judged, { host }, isCertificateFlag),
    findContradictions(components, inventory, { host }),
    findLostRequestSigners(components, { host }),
  ]);
  return [...findings.flat(), ...tokenKeys.findings];
}

/** The files of the rows and of their problems. */
export function pathsOf(rows: readonly CertificateRow[]): ReadonlySet<string> {
  return new Set(rows.flatMap(({ path, problems }) => [path, ...problems.map(({ subject }) => subject)]));
}
