import { formatTime, isRecoveryError } from '@kube-rescue/errors';
import { type Host, type HostPath, joinPath } from '@kube-rescue/host';
import { databaseOf, type Node } from '@kube-rescue/node';
import type { SnapshotFile } from '@kube-rescue/etcd-access/restore';
import type { RestoreNode } from './restore-node.ts';

/** What an operator asks for. */
export interface EtcdRestoreInput {
  /** A snapshot, or a data directory of which `member/snap/db` is used. */
  readonly from: { readonly kind: 'snapshot' | 'data-directory'; readonly path: HostPath };
  /** Reads files that the operator named. Default: the node's machine. */
  readonly files?: Host | undefined;
  /** etcd's own restore program. Default: searched in PATH. */
  readonly etcdutl?: HostPath | undefined;
  /** Restores although etcd works: everything since the snapshot is lost. Default: false. */
  readonly replaceWorking?: boolean | undefined;
  /** Restores a snapshot whose CA or UID is another. Default: false. */
  readonly acceptOtherCluster?: boolean | undefined;
  /** Names of the other members of etcd, all of them gone for good. Default: this member is the only one. */
  readonly without?: readonly string[] | undefined;
  /** Restores although the data directory is already restored from this file. Default: false. */
  readonly again?: boolean | undefined;
}

/** The file, and what a restore from it means. */
export interface RestoreSource {
  readonly path: HostPath;
  readonly sha256: string;
  readonly bytes: number;
  readonly isHashed: boolean;
  readonly revision: number;
  /** As the file lists them. */
  readonly members: SnapshotFile['members'];
  /** The file is the database of this member itself, which is exchanged. */
  readonly isOwn: boolean;
  /** How far the revision is raised at least, beyond every revision that a client may have seen. */
  readonly bump: number;
  /** Why the file is not of this cluster; `undefined` when it is, or when nothing tells. */
  readonly otherCluster: string | undefined;
  /** Lines for the operator: what the file is, and what is lost. */
  readonly evidence: readonly string[];
}

/** More writes than any cluster makes between two backups (etcd, `Documentation/op-guide/recovery.md`, takes the same). */
const BUMP = 1_000_000_000;

/**
 * Reads the file to its end, and compares it with what is left of the present database.
 * @throws EtcdError `ETCD_DATABASE_INVALID` `ETCD_SNAPSHOT_INVALID`; HostError
 */
export async function inspectSource(
  { from, files }: EtcdRestoreInput,
  { dataDirectory, prefix, clientCa }: RestoreNode,
  node: Node,
): Promise<RestoreSource> {
  const restore = await import('@kube-rescue/etcd-access/restore');
  const path = from.kind === 'snapshot' ? from.path : joinPath(from.path, 'member/snap/db');
  const keys = restore.identityKeys(prefix);
  const file = await restore.inspectSnapshotFile({ path, keys }, { host: files ?? node.host });
  const present = await readPresent(dataDirectory, keys, node);
  const identity = await restore.readClusterIdentity(file, prefix);
  const known = present && (await restore.readClusterIdentity(present, prefix));
  const trusted = clientCa && (await node.host.readFile(clientCa));
  const ownKeys = trusted && restore.caKeysIn(Buffer.from(trusted).toString(), clientCa);
  const highest = Math.max(file.revision, present?.revision ?? 0, ...(await readMarks(dataDirectory, node)));
  const { sha256, bytes, isHashed, revision, modifiedAt } = file;
  const complete = identity.renewedAt ?? modifiedAt;
  const isOwn = path === databaseOf(dataDirectory);
  const minutes = Math.round((node.clock.now().getTime() - complete.getTime()) / 60_000);
  return {
    ...{ path, sha256, bytes, isHashed, revision, members: file.members, isOwn },
    bump: highest - revision + BUMP,
    otherCluster: compare(identity, known, ownKeys),
    evidence: [
      `${path}: ${bytes} bytes, revision ${revision}, ${isHashed ? 'its hash is right' : 'it has no hash, so that damage cannot be excluded'}`,
      `its newest lease was renewed on ${formatTime(complete)}, ${minutes} min ago${isOwn ? '' : ': what was written since is lost'}`,
      ...(isOwn ? [OWN] : describeLoss(from.kind, revision, present?.revision)),
    ],
  };
}

const OWN =
  'it is copied once etcd has stopped, with all that this member has applied; its write-ahead log is not read: what the other members alone have acknowledged is lost';

function describeLoss(
  kind: EtcdRestoreInput['from']['kind'],
  revision: number,
  present: number | undefined,
): readonly string[] {
  return [
    present === undefined
      ? 'how much that is, is not known: the present database cannot be read'
      : `the present database is at revision ${present}: ${Math.max(0, present - revision)} revisions are lost`,
    ...(kind === 'snapshot'
      ? []
      : ['its write-ahead log is not read: writes of its last moments, not yet in its database, are lost as well']),
  ];
}

type Identity = { readonly uid: string | undefined; readonly caKeys: readonly string[] | undefined };

/** The UID decides where both have one: a CA may have been changed since the snapshot. Pure. */
function compare(
  file: Identity,
  present: Identity | undefined,
  ownKeys: readonly string[] | undefined,
): string | undefined {
  if (file.uid !== undefined && present?.uid !== undefined) {
    return file.uid === present.uid
      ? undefined
      : `the namespace kube-system has the UID ${file.uid} in it, and ${present.uid} in the present database`;
  }
  if (file.uid === undefined && file.caKeys === undefined)
    return 'it holds no namespace kube-system with a UID: it is of no Kubernetes cluster';
  if (file.caKeys === undefined || ownKeys === undefined) return undefined;
  return file.caKeys.some((key) => ownKeys.includes(key))
    ? undefined
    : 'the API server of its cluster accepts clients of another CA than the CA of this node';
}

async function readPresent(dataDirectory: HostPath, keys: readonly string[], { host }: Node) {
  const path = joinPath(dataDirectory, 'member/snap/db');
  try {
    const { inspectSnapshotFile } = await import('@kube-rescue/etcd-access/restore');
    return (await host.stat(path)) === undefined ? undefined : await inspectSnapshotFile({ path, keys }, { host });
  } catch (error) {
    if (isRecoveryError(error)) return undefined;
    throw error;
  }
}

/** The revisions that earlier restores have reached: a second restore must go beyond them. */
async function readMarks(dataDirectory: HostPath, { host }: Node): Promise<readonly number[]> {
  const { readRestoreMark } = await import('@kube-rescue/etcd-access/restore');
  const names = ((await host.list(dataDirectory)) ?? []).filter((name) => name.startsWith('member'));
  const marks = await Promise.all(names.map((name) => readRestoreMark(joinPath(dataDirectory, name), { host })));
  return marks.map((mark) => mark?.revision ?? 0);
}
