import {
  findTrustDisagreements,
  forecastExpiry,
  type ForecastItem,
  inspectCertificates,
  inspectKubeconfigTrust,
  inspectObjectCertificates,
  type ObjectCertificateRow,
  type ObservedCertificate,
  observedCertificateOf,
  observedCertificatesOf,
  reportObjectFinding,
  type TrustDisagreement,
} from '@kube-rescue/cert-rotation';
import type { Node, ObjectPath } from '@kube-rescue/node';

export interface ClusterCertificatesInput extends ObjectPath {
  /** A certificate that ends within so many days is told. */
  readonly warnWithinDays: number;
}

/** The certificates in the cluster's objects, held against those of this node. Survives JSON; carries no key. */
export interface ClusterCertificates {
  readonly certificates: readonly ObjectCertificateRow[];
  readonly disagreements: readonly TrustDisagreement[];
  /** What breaks next, the first first; files and objects. */
  readonly forecast: readonly ForecastItem[];
  /** False when etcd has no quorum: what was read may be old. */
  readonly isCurrent: boolean;
}

/**
 * Finds and judges the certificates in the cluster's objects, and says where they and this node's files disagree. Reads
 * only; through etcd also while the API server is dead.
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
    const sightings: ObservedCertificate[] = [
      ...observedCertificatesOf(await inspectCertificates(own, node)),
      ...(await inspectKubeconfigTrust([adminKubeconfig], node)),
    ];
    const inspection = { store: opened.store, now, expiringWithinDays: input.warnWithinDays, signal };
    for await (const finding of inspectObjectCertificates(inspection)) {
      certificates.push(reportObjectFinding(finding, now));
      sightings.push(...observedCertificateOf(finding));
    }
    return {
      certificates,
      disagreements: findTrustDisagreements(sightings),
      forecast: forecastExpiry(sightings, now),
      isCurrent: opened.mayWrite,
    };
  } finally {
    await opened.close();
  }
}
