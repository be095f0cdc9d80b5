import type { KubernetesObject } from '@kube-rescue/cluster-objects';
import { type HostPath, hostPath, parentPath } from '@kube-rescue/host';
import { type Edit, readBefore, sha256 } from '@kube-rescue/workflow';
import { JoinError } from '../errors.ts';
import type { NodeAccess, NodeHost } from './node-access.ts';
import type { NodeFileReplace, NodeServiceRestart } from './node-change-kinds.ts';
import { addressesOf } from '../nodes/node-object.ts';

/** A file that a worker is to have. */
export interface JoinFile {
  /** Absolute, on the worker. */
  readonly path: string;
  readonly mode: number;
  /** Default: root. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  readonly content: Uint8Array;
  /** Whether what the worker has there will do as well, for example another certificate of the same CA. Default: no. */
  readonly accepts?: ((present: Uint8Array) => boolean) | undefined;
}

/** A worker that is to come back. */
export interface Worker {
  /** Name of its Node. */
  readonly node: string;
  readonly access: NodeAccess;
  /** For example `kubelet`. */
  readonly kubeletService: string;
  /** Written in this order, before its kubelet restarts. */
  readonly files: readonly JoinFile[];
}

/** The files of a worker that are not as they should be, as edits. */
export interface WorkerFiles {
  readonly edits: readonly Edit[];
  readonly evidence: readonly string[];
}

/**
 * Compares what a worker has with what it is to have.
 * @throws JoinError `JOIN_FILE_INVALID` when a folder for a file is missing; HostError
 */
export async function compareFiles(worker: Worker, host: NodeHost): Promise<WorkerFiles> {
  const edits: Edit[] = [];
  const evidence: string[] = [];
  for (const file of worker.files) {
    const path = hostPath(file.path);
    const edit = await compareFile(worker, file, path, host);
    if (edit === undefined) continue;
    edits.push(edit);
    evidence.push(`${worker.node}: ${path} ${edit.change.before === 'absent' ? 'is missing' : 'is another'}`);
  }
  return { edits, evidence };
}

async function compareFile(
  { access, node }: Worker,
  { mode, owner = { uid: 0, gid: 0 }, content, accepts }: JoinFile,
  path: HostPath,
  host: NodeHost,
): Promise<Edit | undefined> {
  const folder = await host.stat(parentPath(path));
  if (folder === undefined) throw noFolder(node, parentPath(path));
  const before = await readBefore(host, path);
  const after = sha256(content);
  const stat = await host.stat(path);
  const isOwn = stat?.mode === mode && stat.uid === owner.uid && stat.gid === owner.gid;
  if (before === after && isOwn) return undefined;
  const present = accepts === undefined ? undefined : await host.readFile(path);
  if (present !== undefined && accepts?.(present) === true) return undefined;
  const change: NodeFileReplace = {
    kind: 'node.file.replace',
    target: `${node}:${path}`,
    path,
    node: access,
    before,
    after,
    mode,
    ...owner,
  };
  return { change, material: content };
}

/** The restart of a worker's kubelet. */
export function kubeletRestart({ node, access, kubeletService: service }: Worker): Edit {
  const change: NodeServiceRestart = {
    kind: 'node.service.restart',
    target: `${node}:${service}`,
    service,
    node: access,
  };
  return { change };
}

/**
 * Makes sure that a machine is the one that a Node stands for: it has the Node's name or address, or one that the Node's
 * kubelet has told. A kubeconfig on the wrong machine would let two kubelets fight for one Node.
 * @throws JoinError `JOIN_WRONG_MACHINE`
 */
export function assertSameMachine(
  name: string,
  node: KubernetesObject | undefined,
  { hostname, addresses }: Pick<NodeHost, 'hostname' | 'addresses'>,
): void {
  const names = namesOf(name, node);
  const own = hostname.toLowerCase();
  const isNamed = names.some((each) => each === own || shortOf(each) === own || each === shortOf(own));
  // Every machine has the loopback addresses.
  const told = addresses.filter((each) => !/^127\.|^::1$/.test(each));
  if (isNamed || names.some((each) => told.includes(each))) return;
  throw new JoinError({
    code: 'JOIN_WRONG_MACHINE',
    message: `the machine calls itself ${hostname}, not ${names.join(' or ')}; nothing was written there`,
    subject: name,
    hint: 'check the address; a kubeconfig on the wrong machine lets two kubelets fight for one Node',
  });
}

/** The names and addresses by which a machine may know itself that a Node stands for; in lower case. */
export function namesOf(name: string, node: KubernetesObject | undefined): readonly string[] {
  const told =
    node === undefined ? [] : addressesOf(node).filter(({ type }) => type === 'Hostname' || type === 'InternalIP');
  return [...new Set([name, ...told.map(({ address }) => address)].map((each) => each.toLowerCase()))];
}

/** `node02` of `node02.example.test`. */
function shortOf(name: string): string | undefined {
  return name.split('.')[0];
}

function noFolder(node: string, folder: HostPath): JoinError {
  return new JoinError({
    code: 'JOIN_FILE_INVALID',
    message: `${node} has no folder ${folder}; nothing was written there`,
    subject: folder,
    hint: 'check with the unit of its kubelet where it keeps its files',
  });
}
