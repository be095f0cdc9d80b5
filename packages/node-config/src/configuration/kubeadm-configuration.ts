import { type HostPath, hostPath } from '@kube-rescue/host';
import { parseYamlDocuments, readWithoutAliases } from '../yaml-documents.ts';
import type { FileReader } from '../named-file.ts';

/** What a configuration file of kubeadm says about certificates. */
export interface KubeadmConfiguration {
  readonly path: HostPath;
  readonly clusterDomain: string | undefined;
  /** `HOST` or `HOST:PORT`. */
  readonly controlPlaneEndpoint: string | undefined;
  /** DNS names and addresses that it adds to certificates. */
  readonly apiServerNames: readonly string[];
  readonly etcdServerNames: readonly string[];
  readonly etcdPeerNames: readonly string[];
  /** `certificateValidityPeriod` in days; `undefined` before v1beta4, where kubeadm ignores the field. */
  readonly certificateDays: number | undefined;
}

/** Where installers leave the file, in directories of root's: Kubespray, Cluster API, kind. kubeadm itself keeps it in the cluster alone. */
const PATHS = ['/etc/kubernetes/kubeadm-config.yaml', '/run/kubeadm/kubeadm.yaml', '/kind/kubeadm.conf'].map(hostPath);

/**
 * Reads the first configuration file of kubeadm that an installer left on this node; `undefined` without one. A file that cannot
 * be parsed is passed over.
 *
 * @throws HostError when a file exists but cannot be read
 */
export async function readKubeadmConfiguration({
  host,
}: {
  readonly host: Pick<FileReader, 'readFile'>;
}): Promise<KubeadmConfiguration | undefined> {
  for (const path of PATHS) {
    const bytes = await host.readFile(path);
    const found = bytes === undefined ? undefined : readCluster(Buffer.from(bytes).toString(), path);
    if (found !== undefined) return found;
  }
  return undefined;
}

function readCluster(source: string, path: HostPath): KubeadmConfiguration | undefined {
  const cluster = documentsIn(source).find((each) => at(each, 'kind') === 'ClusterConfiguration');
  if (cluster === undefined) return undefined;
  return {
    path,
    clusterDomain: textOf(at(cluster, 'networking', 'dnsDomain')),
    controlPlaneEndpoint: textOf(at(cluster, 'controlPlaneEndpoint')),
    apiServerNames: textsOf(at(cluster, 'apiServer', 'certSANs')),
    etcdServerNames: textsOf(at(cluster, 'etcd', 'local', 'serverCertSANs')),
    etcdPeerNames: textsOf(at(cluster, 'etcd', 'local', 'peerCertSANs')),
    certificateDays: /^kubeadm\.k8s\.io\/v1beta[1-3]$/.test(textOf(at(cluster, 'apiVersion')) ?? '')
      ? undefined
      : daysOf(textOf(at(cluster, 'certificateValidityPeriod'))),
  };
}

function documentsIn(source: string): readonly unknown[] {
  return parseYamlDocuments(source)
    .filter(({ errors }) => errors.length === 0)
    .map(readWithoutAliases);
}

function at(value: unknown, ...keys: readonly string[]): unknown {
  return keys.reduce<unknown>((each, key) => (each as Record<string, unknown> | null | undefined)?.[key], value);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

const HOURS = { h: 1, m: 1 / 60, s: 1 / 3600 } as const;

/** A duration of Go (`time.ParseDuration`) in hours, minutes and seconds, as kubeadm writes it: `8760h0m0s`. */
function daysOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^(?:\d+(?:\.\d+)?[hms])+$/.test(text)) return undefined;
  const parts = [...text.matchAll(/([\d.]+)([hms])/g)];
  const hours = parts.reduce((sum, [, value, unit]) => sum + Number(value) * HOURS[unit as keyof typeof HOURS], 0);
  return hours > 0 ? hours / 24 : undefined;
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : [];
}
