import { isRecoveryError } from '@kube-rescue/errors';
import { type Clock, type Host, type HostPath, joinPath } from '@kube-rescue/host';
import { type EtcdSearch, findEtcdVersion, findPod, type Node, NodeError } from '@kube-rescue/node';
import { type ComponentFlags, findComponent } from '@kube-rescue/node-config';
import { keepSnapshot } from '../etcd-backup/etcd-snapshot.ts';
import { ThrowawayError } from '../errors.ts';
import { type ChildServer, startChild } from './child-server.ts';
import { freePort } from './free-port.ts';
import { makePki, type ThrowawayPki, writeServerFiles, type WrittenFiles } from './server-files.ts';
import { type EtcdTarget, serverArguments } from './server-flags.ts';
import { findProgram, type FoundProgram } from './server-programs.ts';
import { startThrowawayEtcd } from './throwaway-etcd.ts';
import { openWorkspace, type Workspace } from './workspace.ts';

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

/** A running throwaway API server. */
export interface ThrowawayApi {
  /** `https://127.0.0.1:PORT` */
  readonly server: string;
  /** Root's alone. */
  readonly kubeconfig: HostPath;
  readonly isWritable: boolean;
  /** Of the API server. */
  readonly version: string;
  /** Where its objects come from. */
  readonly source: {
    readonly endpoint: string | undefined;
    readonly snapshot: string | undefined;
    readonly revision: number;
  };
  /** The snapshot that was taken before a writable server was started. */
  readonly backup: string | undefined;
  /** Directories that an earlier, killed one had left, and that were removed. */
  readonly abandoned: readonly string[];
  /** Resolves when one of its servers has ended by itself, with the reason. */
  readonly ended: Promise<string>;
  /** Ends its servers and removes every file of it. */
  stop(): Promise<void>;
}

interface Deps {
  /** The machine, for what is removed at the end: neither journalled nor reported as written. */
  readonly host: Host;
  readonly clock: Clock;
}

const START_TIMEOUT_MS = 180_000;
const PROBE_TIMEOUT_MS = 3_000;
const INTERVAL_MS = 200;
/** The snapshot, and what the restore program makes of it. */
const COPIES = 3;

/**
 * Starts a throwaway API server of the node's own version on the loopback interface, so that kubectl shows the objects while the
 * cluster's API servers are down.
 *
 * Unless it is writable, it serves a copy: a snapshot is taken through the API of etcd, or given, and a throwaway etcd serves it.
 * An API server writes at its start (RBAC, priority classes, leases), so only a copy leaves the cluster's own data untouched; its
 * user may only read. Needs no quorum, and passes over an expired serving certificate of etcd as the search does.
 *
 * A writable one works on the etcd itself, after a snapshot of it. Its writes are those of any API server of this node, without
 * webhooks; controllers act on them once they run.
 *
 * @throws ThrowawayError; NodeError `NODE_NOT_LIVE` `API_SERVER_UNKNOWN` `ENCRYPTION_UNREADABLE`; EtcdError
 * `ETCD_NO_WORKING_CREDENTIALS` `ETCD_NO_QUORUM` `ETCD_SERVER_EXPIRED` `ETCD_NAME_MISMATCH` `ETCD_RESTORE_TOOL` `ETCD_SNAPSHOT_INVALID`
 * `ETCD_DATABASE_INVALID` `ETCD_SNAPSHOT_NO_SPACE`; HostError. Nothing is left behind then
 */
export async function startThrowawayApi(
  node: Node,
  input: ThrowawayApiInput,
  deps: Deps,
  signal: AbortSignal,
): Promise<ThrowawayApi> {
  assertRuns(node);
  const flags = await readServerFlags(node);
  const port = await freePort(deps, input.port);
  const { workspace, abandoned } = await openWorkspace(deps);
  const children: ChildServer[] = [];
  const stop = async (): Promise<void> => {
    for (const child of children) child.stop();
    await Promise.all(children.map(({ ended }) => ended));
    await workspace.remove();
  };
  try {
    const context = { node, input, deps, signal, workspace, children };
    const server = `https://127.0.0.1:${port}`;
    const isWritable = input.isWritable === true;
    input.onProgress('temporary certificates');
    const pki = await makePki(deps);
    const files = await writeServerFiles({ directory: workspace.memory, pki, server, isWritable }, deps);
    const program = await findApiServer(context);
    const data = isWritable ? await useEtcd(context) : await copyEtcd(context, { pki, files });
    signal.throwIfAborted();
    input.onProgress(`kube-apiserver ${program.version}`);
    const words = serverArguments({ node: flags, etcd: data.target, files, port, isWritable });
    const child = await startChild('kube-apiserver', [program.program, ...words], deps);
    children.push(child);
    await waitUntilReady({ server, ca: pki.ca, child }, deps, signal);
    const { source, backup } = data;
    return {
      ...{
        server,
        kubeconfig: files.kubeconfig,
        isWritable,
        version: program.version,
        source,
        backup,
        abandoned,
        stop,
      },
      ended: Promise.race(children.map(({ ended }) => ended)),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Context {
  readonly node: Node;
  readonly input: ThrowawayApiInput;
  readonly deps: Deps;
  readonly signal: AbortSignal;
  readonly workspace: Workspace;
  readonly children: ChildServer[];
}

interface ServedData extends Pick<ThrowawayApi, 'source' | 'backup'> {
  readonly target: EtcdTarget;
}

/** @throws NodeError `NODE_NOT_LIVE` on a copy of files */
function assertRuns({ host }: Pick<Node, 'host'>): void {
  if (host.kind === 'live') return;
  throw new NodeError({
    code: 'NODE_NOT_LIVE',
    message: 'no API server can be started for a copy of files',
    subject: host.name,
    hint: 'run this on the control-plane node itself, without --root',
  });
}

const ENCRYPTION_FLAGS = ['encryption-provider-config', 'experimental-encryption-provider-config'];

/** @throws NodeError `API_SERVER_UNKNOWN` `ENCRYPTION_UNREADABLE` */
async function readServerFlags(node: Node): Promise<ComponentFlags> {
  const flags = findComponent((await node.describe()).components, 'kube-apiserver');
  if (flags === undefined) {
    throw new NodeError({
      code: 'API_SERVER_UNKNOWN',
      message:
        'this node has no manifest of an API server, so the prefix and the encryption of its objects are not known',
      subject: node.host.name,
      hint: 'nothing was started; run this on a control-plane node',
    });
  }
  const file = ENCRYPTION_FLAGS.find((name) => flags.unmapped?.includes(name));
  if (file === undefined) return flags;
  throw new NodeError({
    code: 'ENCRYPTION_UNREADABLE',
    message: 'cannot read the encryption-provider-config of the API server: the file is in the container only',
    subject: flags.flags.get(file),
    hint: 'nothing was started; put the file on the node, where the manifest mounts it',
  });
}

async function findApiServer({ node, input, workspace, deps }: Context): Promise<FoundProgram> {
  const description = await node.describe();
  const image = findPod(description, 'kube-apiserver')?.main.image;
  const given = input.programs?.kubeApiserver;
  input.onProgress('the programs of this node');
  const places = { directory: workspace.disk, runtimeEndpoint: runtimeEndpointOf(description) };
  return findProgram({ name: 'kube-apiserver', given, image }, places, deps);
}

function runtimeEndpointOf({ kubelet }: Awaited<ReturnType<Node['describe']>>): string | undefined {
  return kubelet.component.flags.get('container-runtime-endpoint');
}

/** The etcd that answers, for a writable server: an API server verifies its certificate in full. */
async function useEtcd({ node, input, signal }: Context): Promise<ServedData> {
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
async function copyEtcd(
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

async function waitUntilReady(
  { server, ca, child }: { readonly server: string; readonly ca: string; readonly child: ChildServer },
  { host, clock }: Deps,
  signal: AbortSignal,
): Promise<void> {
  const begun = clock.now().getTime();
  for (;;) {
    if (await isReady(server, ca, host, signal)) return;
    const ended = child.end();
    if (ended !== undefined || clock.now().getTime() - begun >= START_TIMEOUT_MS) {
      throw new ThrowawayError({
        code: 'THROWAWAY_NOT_READY',
        message: ended ?? `kube-apiserver was not ready after ${START_TIMEOUT_MS / 1000} s`,
        subject: server,
        hint: 'nothing is left behind; read single objects with `kube-rescue etcd get`, which needs no API server',
      });
    }
    await clock.sleep(INTERVAL_MS, signal);
  }
}

async function isReady(server: string, ca: string, host: Host, signal: AbortSignal): Promise<boolean> {
  try {
    const { status, peer } = await host.request({ url: `${server}/readyz`, ca, timeoutMs: PROBE_TIMEOUT_MS, signal });
    return status === 200 && peer?.trusted === true;
  } catch (error) {
    signal.throwIfAborted();
    if (isRecoveryError(error, 'HOST_CONNECTION_FAILED')) return false;
    throw error;
  }
}
