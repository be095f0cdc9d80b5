import { type Host, type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import {
  assertKubeadmNode,
  findDataDirectory,
  findPod,
  type Node,
  NodeError,
  readImageVersion,
} from '@kube-rescue/node';
import { componentFlags, readStaticPod, type StaticPod } from '@kube-rescue/node-config';
import { nameThisMemberAlone } from './single-manifest.ts';

/** The manifests of pods that a restore has stopped. */
export const STOPPED = hostPath('/var/lib/kube-rescue/stopped');

/** In the order in which they are stopped; they start in the other. */
const STOPPED_PODS = ['kube-apiserver', 'etcd'] as const;

/** A static pod that is stopped for a restore, and started again. */
export interface StoppablePod {
  readonly component: (typeof STOPPED_PODS)[number];
  readonly pod: StaticPod;
  readonly manifest: HostPath;
  /** Where its manifest is kept meanwhile. */
  readonly stopped: HostPath;
  /** The manifest that it starts with. Default: that of before, byte for byte. */
  readonly edited: string | undefined;
}

/** What a restore has to know of the node. */
export interface RestoreNode {
  readonly pods: readonly StoppablePod[];
  /** The manifest of a pod is only in the directory of stopped pods: a restore was interrupted. */
  readonly isInterrupted: boolean;
  readonly name: string;
  readonly peerUrl: string;
  readonly dataDirectory: HostPath;
  /** Of etcd, by the tag of its image. */
  readonly version: string | undefined;
  /** `--etcd-prefix` of the API server. */
  readonly prefix: string;
  /** `--client-ca-file` of the API server. */
  readonly clientCa: HostPath | undefined;
}

/**
 * Reads the manifests of etcd and the API server, also while a restore has stopped them.
 * @throws NodeError `LAYOUT_UNSUPPORTED` `LAYOUT_UNKNOWN`; ManifestError, also where the flags of etcd cannot be changed; HostError
 */
export async function readRestoreNode(node: Node): Promise<RestoreNode> {
  const description = await node.describe();
  const { directory } = description.staticPods;
  const found = await Promise.all(
    STOPPED_PODS.map(async (component) => {
      const pod = findPod(description, component);
      const manifest = pod?.manifest.path ?? joinPath(directory, `${component}.yaml`);
      const stopped = joinPath(STOPPED, `${component}.yaml`);
      const kept = pod ?? (await readStopped(stopped, node.host));
      if (kept === undefined) return undefined;
      const edited = component === 'etcd' ? nameThisMemberAlone(kept) : undefined;
      return { component, pod: kept, manifest, stopped, edited, isStopped: pod === undefined };
    }),
  );
  const pods = found.filter((each) => each !== undefined);
  const isInterrupted = pods.some(({ isStopped }) => isStopped);
  if (!isInterrupted || pods.length < STOPPED_PODS.length) assertKubeadmNode(description);
  const flagsOf = (component: string): ReadonlyMap<string, string> => {
    const pod = pods.find((each) => each.component === component)?.pod;
    return (pod && componentFlags(pod)?.flags) ?? new Map<string, string>();
  };
  const etcd = flagsOf('etcd');
  const api = flagsOf('kube-apiserver');
  const wal = etcd.get('wal-dir') ?? '';
  const peerUrl = etcd.get('initial-advertise-peer-urls') ?? '';
  if (wal !== '' || peerUrl === '' || peerUrl.includes(',')) {
    const reason = wal === '' ? `it has no single peer URL (${peerUrl})` : `its log is in ${wal}`;
    throw new NodeError({
      code: 'LAYOUT_UNSUPPORTED',
      message: `this etcd cannot be restored here: ${reason}`,
      subject: directory,
      hint: 'nothing was changed; restore it by hand with etcdutl (docs/runbooks/restore-etcd.md)',
    });
  }
  const component = { component: 'etcd' as const, source: directory, flags: etcd };
  const clientCa = api.get('client-ca-file');
  return {
    pods,
    isInterrupted,
    name: etcd.get('name') ?? 'default',
    peerUrl,
    dataDirectory: findDataDirectory({ components: [component] }),
    version: readImageVersion(pods.find((each) => each.component === 'etcd')?.pod.main.image ?? ''),
    prefix: api.get('etcd-prefix') ?? '/registry',
    clientCa: clientCa === undefined ? undefined : hostPath(clientCa),
  };
}

async function readStopped(path: HostPath, host: Host): Promise<StaticPod | undefined> {
  return (await host.stat(path)) === undefined ? undefined : readStaticPod(path, { host });
}
