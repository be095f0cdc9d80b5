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
import {
  describeNode,
  type EtcdSearch,
  type NodeDeps,
  type NodeOptions,
  type ObjectsVia,
  openNodeObjects,
} from '@kube-rescue/node';

export interface ClusterCertificatesInput extends NodeOptions {
  readonly via: ObjectsVia;
  readonly search: EtcdSearch;
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
 * @throws as `openNodeObjects`; ObjectError when a kind cannot be listed at all
 */
export async function checkClusterCertificates(
  input: ClusterCertificatesInput,
  deps: NodeDeps,
  signal: AbortSignal,
): Promise<ClusterCertificates> {
  const node = await describeNode(input, deps);
  const now = deps.clock.now();
  const opened = await openNodeObjects(node, input, deps, signal);
  try {
    const certificates: ObjectCertificateRow[] = [];
    const sightings: ObservedCertificate[] = [
      ...observedCertificatesOf(await inspectCertificates(node.inspection, deps)),
      ...(await inspectKubeconfigTrust([node.adminKubeconfig], deps)),
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
