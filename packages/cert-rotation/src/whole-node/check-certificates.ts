import { isRecoveryError } from '@kube-rescue/errors';
import { type Clock, systemClock } from '@kube-rescue/host';
import { inspectCertificates } from '../inventory/inventory.ts';
import { type CertificateRow, reportCertificates } from '../judgement/report.ts';
import { type NodeFiles, openNodeFiles, type OpenNodeFiles, readNodeComponents } from './node-files.ts';

export interface CheckRequest extends NodeFiles {
  /** A certificate that expires within so many days has a warning. Default: 30, at most a third of its lifetime. */
  readonly expiringWithinDays?: number | undefined;
  /** Default: the clock of this machine. */
  readonly clock?: Pick<Clock, 'now'> | undefined;
}

/** The certificates of a node. Survives JSON; carries no key material. */
export interface CertificateReport {
  /** Everything was read, and no certificate has a problem. Warnings, such as an end that is near, do not count. */
  readonly healthy: boolean;
  /** Leaves, the kubelet's among them, then CAs. Never empty. */
  readonly certificates: readonly CertificateRow[];
  /** What could not be read, so that certificates may be missing in the rows. */
  readonly unread: readonly UnreadSource[];
}

/** A file whose certificates are unknown. */
interface UnreadSource {
  readonly code: string;
  readonly path: string;
  readonly message: string;
  readonly hint: string | undefined;
}

/**
 * Reads and judges every certificate of a kubeadm node: of static pods, of an etcd service, of kubeconfigs and of the kubelet. Reads
 * files only, and writes nothing; works with everything down. A file that cannot be read is a row with a problem, or `unread`.
 *
 * Does not judge certificates of other programs, of objects of the cluster, and this machine's clock: `kube-rescue certs check` does.
 *
 * @throws PkiError `PKI_NODE_NOT_FOUND` where there is no node; NodeConfigError `MANIFEST_DIRECTORY_MISSING`
 * `CONFIGURATION_INVALID`; HostError
 */
export async function checkCertificates(request: CheckRequest = {}): Promise<CertificateReport> {
  return reportNode(await openNodeFiles(request), request);
}

/** The report of an open node, read now. */
export async function reportNode(
  node: OpenNodeFiles,
  { expiringWithinDays, clock = systemClock }: Pick<CheckRequest, 'expiringWithinDays' | 'clock'>,
): Promise<CertificateReport> {
  const { kubernetesDirectory, host } = node;
  const { components, unread } = await readNodeComponents(node);
  const inventory = await inspectCertificates({ components, kubernetesDirectory }, { host });
  const certificates = reportCertificates(inventory, { now: clock.now(), expiringWithinDays });
  const isGood = certificates.every(({ status }) => status !== 'problem');
  return { healthy: isGood && unread.length === 0, certificates, unread: unread.map(describeUnread) };
}

function describeUnread(error: Error): UnreadSource {
  if (!isRecoveryError(error)) throw error;
  const { code, message, subject = '', hint } = error;
  return { code, path: subject, message, hint };
}
