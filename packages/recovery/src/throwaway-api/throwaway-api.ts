import { isRecoveryError } from '@kube-rescue/errors';
import type { Clock, Host, HostPath } from '@kube-rescue/host';
import { ENCRYPTION_FLAGS, findPod, type Node, NodeError } from '@kube-rescue/node';
import { type ComponentFlags, findComponent } from '@kube-rescue/node-config';
import { ThrowawayError } from '../errors.ts';
import { type ChildServer, startChild } from './child-server.ts';
import { freePort } from './free-port.ts';
import {
  type Context,
  copyEtcd,
  runtimeEndpointOf,
  type ServedData,
  type ThrowawayApiInput,
  useEtcd,
} from './served-data.ts';
import { makePki, writeServerFiles } from './server-files.ts';
import { serverArguments } from './server-flags.ts';
import { findProgram, type FoundProgram } from './server-programs.ts';
import { openWorkspace } from './workspace.ts';

/** A running throwaway API server. */
export interface ThrowawayApi extends Pick<ServedData, 'source' | 'backup'> {
  /** `https://127.0.0.1:PORT` */
  readonly server: string;
  /** Root's alone. */
  readonly kubeconfig: HostPath;
  readonly isWritable: boolean;
  /** Of the API server. */
  readonly version: string;
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
