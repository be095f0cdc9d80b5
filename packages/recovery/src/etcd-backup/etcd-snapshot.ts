import type { SavedSnapshot, SnapshotProgress } from '@kube-rescue/etcd-access';
import { type Host, hostPath, type HostPath, joinPath } from '@kube-rescue/host';
import type { EtcdSearch, Node, NodeDeps, NodeEtcd } from '@kube-rescue/node';

/** The snapshots of recoveries, beside the runs. */
export const SNAPSHOTS_DIRECTORY = hostPath('/var/lib/kube-rescue/snapshots');

const PRIVATE_DIRECTORY_MODE = 0o700;

type OnProgress = (progress: SnapshotProgress) => void;

/** A snapshot that was taken, as plain data. */
export interface SnapshotRow {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly revision: number;
  readonly endpoint: string;
}

/**
 * Writes a snapshot of the node's etcd to a new file (0600).
 * @throws NodeError; EtcdError `ETCD_NO_WORKING_CREDENTIALS` and those of `saveSnapshot`; HostError
 */
export async function saveEtcdOfNode(
  node: Node,
  input: {
    readonly search: EtcdSearch;
    readonly target: HostPath;
    /** The machine of `target`: one that does not judge the directory that the operator chose. Default: the node's. */
    readonly files?: Host | undefined;
    /** Called some ten times. */
    readonly onProgress: OnProgress;
  },
  signal: AbortSignal,
): Promise<SnapshotRow> {
  const etcd = await node.etcd(input.search, signal);
  const { saveSnapshot } = await import('@kube-rescue/etcd-access');
  try {
    const { target, onProgress } = input;
    const request = { target, onProgress: everyTenth(onProgress), signal };
    return rowOf(await saveSnapshot(request, { client: etcd.client, host: input.files ?? node.host }));
  } finally {
    etcd.client.close();
  }
}

/** Writes a snapshot into the directory of recoveries, named by the time. @throws as {@link saveEtcdOfNode} */
export async function keepSnapshot(
  { client }: NodeEtcd,
  onProgress: OnProgress,
  { host, clock, sealSnapshot: seal }: NodeDeps,
  signal: AbortSignal,
): Promise<SnapshotRow> {
  const { saveSnapshot } = await import('@kube-rescue/etcd-access');
  await host.makeDirectory(SNAPSHOTS_DIRECTORY, { mode: PRIVATE_DIRECTORY_MODE });
  const stamp = clock.now().toISOString().replace(/[-:.]/g, '');
  const target = joinPath(SNAPSHOTS_DIRECTORY, `etcd-${stamp}.db${seal?.suffix ?? ''}`);
  return rowOf(await saveSnapshot({ target, onProgress: everyTenth(onProgress), seal, signal }, { client, host }));
}

/** Reports each tenth of the snapshot, not thousands of pieces. */
function everyTenth(onProgress: OnProgress): OnProgress {
  let reported = 0;
  return (progress) => {
    const tenth = Math.floor((10 * progress.bytes) / Math.max(progress.expectedBytes, 1));
    if (tenth > reported) onProgress(progress);
    reported = Math.max(reported, tenth);
  };
}

function rowOf({ path, bytes, sha256, revision, endpoint }: SavedSnapshot): SnapshotRow {
  return { path, bytes, sha256, revision: Number(revision), endpoint };
}
