import { inspectCertificates } from '@kube-rescue/cert-rotation';
import {
  findTrustDisagreements,
  forecastExpiry,
  type ForecastItem,
  inspectKubeconfigTrust,
  inspectObjectCertificates,
  type ObjectCertificateRow,
  type ObservedCertificate,
  observedCertificateOf,
  observedCertificatesOf,
  reportObjectFinding,
  type TrustDisagreement,
} from '@kube-rescue/cert-rotation/objects';
import type { Node, ObjectPath } from '@kube-rescue/node';

export interface ClusterCertificatesInput extends ObjectPath {
  /** Certificates that expire within so many days are reported. Default: 30, at most a third of the lifetime. */
  readonly warnWithinDays?: number | undefined;
}

/** The certificates in the cluster's objects, compared with those of this node. Plain data without keys. */
export interface ClusterCertificates {
  readonly certificates: readonly ObjectCertificateRow[];
  readonly disagreements: readonly TrustDisagreement[];
  /** The next expirations in files and objects, earliest first. */
  readonly forecast: readonly ForecastItem[];
  /** False when etcd has no quorum: the objects may be stale. */
  readonly isCurrent: boolean;
}

/**
 * Finds and judges the certificates in the cluster's objects, and reports where they disagree with this node's files. Reads
 * only; through etcd also while the API server is down.
 *
 * @throws as `Node.openObjects`; ObjectError when a kind cannot be listed at all
 */
export async function checkClusterCertificates(
  node: Node,
  input: ClusterCertificatesInput,
  signal: AbortSignal,
): Promise<ClusterCertificates> {
  const { inspection: own, adminKubeconfig } = await node.describe();
  const now = node.clock.now();
  const opened = await node.openObjects(input, signal);
  try {
    const certificates: ObjectCertificateRow[] = [];
    const observed: ObservedCertificate[] = [
      ...observedCertificatesOf(await inspectCertificates(own, node)),
      ...(await inspectKubeconfigTrust([adminKubeconfig], node)),
    ];
    const inspection = { store: opened.store, now, expiringWithinDays: input.warnWithinDays, signal };
    for await (const finding of inspectObjectCertificates(inspection)) {
      certificates.push(reportObjectFinding(finding, now));
      observed.push(...observedCertificateOf(finding));
    }
    return {
      certificates,
      disagreements: findTrustDisagreements(observed),
      forecast: forecastExpiry(observed, now),
      isCurrent: opened.mayWrite,
    };
  } finally {
    await opened.close();
  }
}
