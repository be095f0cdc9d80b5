import { isRecoveryError } from '@kube-rescue/errors';
import { type Clock, type Host, type HostPath, joinPath } from '@kube-rescue/host';
import { type EtcdSearch, findEtcdVersion, findPod, type Node } from '@kube-rescue/node';
import { keepSnapshot } from '../etcd-backup/etcd-snapshot.ts';
import type { ChildServer } from './child-server.ts';
import type { ThrowawayPki, WrittenFiles } from './server-files.ts';
import type { EtcdTarget } from './server-flags.ts';
import { findProgram, type FoundProgram } from './server-programs.ts';
import { startThrowawayEtcd } from './throwaway-etcd.ts';
import type { Workspace } from './workspace.ts';

/** What an operator asks for. */
export interface ThrowawayApiInput {
  readonly search: EtcdSearch;
  /** A snapshot or a database of etcd to read instead of the etcd that answers. Default: that etcd. */
  readonly snapshot?: HostPath | undefined;
  /** Reads files that the operator named. Default: the machine. */
  readonly files?: Pick<Host, 'readRange' | 'stat'> | undefined;
  /** Works on the etcd that answers itself, not on a copy. Default: false. */
  readonly isWritable?: boolean | undefined;
  /** Programs in place of those of the node's images. */
  readonly programs?: Readonly<Record<'kubeApiserver' | 'etcd' | 'etcdutl', HostPath | undefined>> | undefined;
  /** Port on 127.0.0.1. Default: a free one. */
  readonly port?: number | undefined;
  /** Called as the start goes on. */
  readonly onProgress: (what: string) => void;
}

/** A start that goes on. */
export interface Context {
  readonly node: Node;
  readonly input: ThrowawayApiInput;
  readonly deps: { readonly host: Host; readonly clock: Clock };
  readonly signal: AbortSignal;
  readonly workspace: Workspace;
  readonly children: ChildServer[];
}

/** What an API server is started on. */
export interface ServedData {
  /** Where its objects come from. */
  readonly source: {
    readonly endpoint: string | undefined;
    readonly snapshot: string | undefined;
    readonly revision: number;
  };
  /** The snapshot that was taken before a writable server was started. */
  readonly backup: string | undefined;
  readonly target: EtcdTarget;
}

/** The snapshot, and what the restore program makes of it. */
const COPIES = 3;

/** `--container-runtime-endpoint` of the node's kubelet. */
export function runtimeEndpointOf({ kubelet }: Awaited<ReturnType<Node['describe']>>): string | undefined {
  return kubelet.component.flags.get('container-runtime-endpoint');
}

/** The etcd that answers, for a writable server: an API server verifies its certificate in full. */
export async function useEtcd({ node, input, signal }: Context): Promise<ServedData> {
  const etcd = await node.etcd(input.search, signal);
  try {
    const { endpoint, ca, client, serverName, isServerExpired, hasQuorum } = etcd.connection;
    const { EtcdError } = await import('@kube-rescue/etcd-access');
    const refuse = (code: 'ETCD_NO_QUORUM' | 'ETCD_SERVER_EXPIRED' | 'ETCD_NAME_MISMATCH', message: string): never => {
      throw new EtcdError({
        ...{ code, message: `a writable API server cannot use this etcd: ${message}`, subject: endpoint },
        hint: 'nothing was started; without --writable it reads a copy. Renew its certificate with `kube-rescue recover`',
      });
    };
    if (!hasQuorum) refuse('ETCD_NO_QUORUM', 'it has no quorum');
    if (isServerExpired) refuse('ETCD_SERVER_EXPIRED', 'its server certificate has expired');
    if (serverName !== undefined) refuse('ETCD_NAME_MISMATCH', `its certificate is for ${serverName}`);
    input.onProgress('a snapshot of etcd, before anything can be written');
    const { path, revision } = await keepSnapshot(etcd, () => undefined, node, signal);
    return { target: { endpoint, ca, client }, source: { endpoint, snapshot: undefined, revision }, backup: path };
  } finally {
    etcd.client.close();
  }
}

/** A copy of the data, served by an etcd of its own. */
export async function copyEtcd(
  context: Context,
  own: { readonly pki: ThrowawayPki; readonly files: WrittenFiles },
): Promise<ServedData> {
  const { node, input, deps, signal, workspace, children } = context;
  const { host } = deps;
  const { findRestoreTool, inspectSnapshotFile } = await import('@kube-rescue/etcd-access/restore');
  const description = await node.describe();
  const image = findPod(description, 'etcd')?.main.image;
  const others = ['etcdutl', 'etcdctl'];
  const places = { directory: workspace.disk, runtimeEndpoint: runtimeEndpointOf(description) };
  const etcd = await findProgram({ name: 'etcd', given: input.programs?.etcd, image, others }, places, deps);
  const version = findEtcdVersion(description) ?? etcd.version;
  const find = (given: HostPath | undefined) => findRestoreTool({ given, version }, { host });
  const tool = await findTool(etcd, input.programs?.etcdutl, find);
  const from =
    input.snapshot === undefined ? await saveSnapshot(context) : { path: input.snapshot, endpoint: undefined };
  const files = input.snapshot === undefined ? host : (input.files ?? host);
  const file = await inspectSnapshotFile({ path: from.path, keys: [] }, { host: files });
  await assertSpace(file.bytes, workspace.disk, host);
  input.onProgress(`etcd ${etcd.version} on a copy at revision ${file.revision}`);
  const { target, server } = await startThrowawayEtcd(
    { source: from.path, isHashed: file.isHashed, tool, etcd: etcd.program, directory: workspace.disk },
    own,
    deps,
    signal,
  );
  children.push(server);
  const source = { endpoint: from.endpoint, snapshot: input.snapshot, revision: file.revision };
  return { target, source, backup: undefined };
}

/** Given, else of the same image as etcd, else in PATH. */
async function findTool(
  { others }: FoundProgram,
  given: HostPath | undefined,
  find: (given: HostPath | undefined) => Promise<{ readonly program: string }>,
): Promise<string> {
  if (given === undefined) {
    // etcdctl has lost it in etcd 3.6, etcdutl has it since 3.5.
    for (const path of ['etcdutl', 'etcdctl'].flatMap((name) => others.get(name) ?? [])) {
      try {
        return (await find(path)).program;
      } catch (error) {
        if (!isRecoveryError(error, 'ETCD_RESTORE_TOOL')) throw error;
      }
    }
  }
  return (await find(given)).program;
}

async function saveSnapshot({ node, input, deps, signal, workspace }: Context) {
  const etcd = await connect(node, input.search, signal);
  const { saveSnapshot: save } = await import('@kube-rescue/etcd-access');
  input.onProgress(`a copy of the data of ${etcd.connection.endpoint}`);
  try {
    const target = joinPath(workspace.disk, 'snapshot.db');
    return await save({ target, signal }, { client: etcd.client, host: deps.host });
  } finally {
    etcd.client.close();
  }
}

async function connect(node: Node, search: EtcdSearch, signal: AbortSignal) {
  try {
    // Only read, and everything but the date is verified.
    return await node.etcd({ ...search, acceptExpiredServer: true }, signal);
  } catch (error) {
    if (!isRecoveryError(error, 'ETCD_NO_WORKING_CREDENTIALS')) throw error;
    const { EtcdError } = await import('@kube-rescue/etcd-access');
    throw new EtcdError({
      ...{ code: 'ETCD_NO_WORKING_CREDENTIALS', message: error.lead, reasons: error.reasons, subject: error.subject },
      hint: 'nothing was started; where etcd is down, give a file: --from-snapshot /var/lib/etcd/member/snap/db, or a snapshot of /var/lib/kube-rescue/snapshots',
      cause: error,
    });
  }
}

/** @throws EtcdError `ETCD_SNAPSHOT_NO_SPACE` */
async function assertSpace(bytes: number, directory: HostPath, host: Host): Promise<void> {
  const [free, needed] = [await host.freeBytes(directory), bytes * COPIES];
  if (free >= needed) return;
  const { EtcdError } = await import('@kube-rescue/etcd-access');
  throw new EtcdError({
    code: 'ETCD_SNAPSHOT_NO_SPACE',
    message: `cannot restore a copy of the data: ${needed} bytes are needed, ${free} are free`,
    subject: directory,
    hint: 'nothing was started; free some space on this filesystem',
  });
}
