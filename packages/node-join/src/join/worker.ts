import type { KubernetesObject } from '@kube-rescue/cluster-objects';
import { type HostPath, hostPath, parentPath } from '@kube-rescue/host';
import { type Edit, readBefore, sha256 } from '@kube-rescue/workflow';
import { JoinError } from '../errors.ts';
import type { NodeAccess, NodeHost } from './node-access.ts';
import type { NodeFileReplace, NodeServiceRestart } from './node-change-kinds.ts';
import { addressesOf } from '../nodes/node-object.ts';

/** A file for a worker. */
export interface JoinFile {
  /** Absolute, on the worker. */
  readonly path: string;
  readonly mode: number;
  /** Default: root. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  readonly content: Uint8Array;
  /** Whether the present file is acceptable as well, for example another certificate of the same CA. Default: no. */
  readonly accepts?: ((present: Uint8Array) => boolean) | undefined;
}

/** A worker that should rejoin. */
export interface Worker {
  /** Name of its Node. */
  readonly node: string;
  readonly access: NodeAccess;
  /** For example `kubelet`. */
  readonly kubeletService: string;
  /** Written in this order, before its kubelet restarts. */
  readonly files: readonly JoinFile[];
}

/** The edits of missing and outdated files of a worker. */
export interface WorkerFiles {
  readonly edits: readonly Edit[];
  readonly evidence: readonly string[];
}

/**
 * Compares the files of a worker with the wanted ones.
 * @throws JoinError `JOIN_FILE_INVALID` when a directory is missing; HostError
 */
export async function compareFiles(worker: Worker, host: NodeHost): Promise<WorkerFiles> {
  const edits: Edit[] = [];
  const evidence: string[] = [];
  for (const file of worker.files) {
    const path = hostPath(file.path);
    const edit = await compareFile(worker, file, path, host);
    if (edit === undefined) continue;
    edits.push(edit);
    evidence.push(`${worker.node}: ${path} ${edit.change.before === 'absent' ? 'is missing' : 'differs'}`);
  }
  return { edits, evidence };
}

async function compareFile(
  { access, node }: Worker,
  { mode, owner = { uid: 0, gid: 0 }, content, accepts }: JoinFile,
  path: HostPath,
  host: NodeHost,
): Promise<Edit | undefined> {
  const directory = await host.stat(parentPath(path));
  if (directory === undefined) throw noDirectory(node, parentPath(path));
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
 * Checks that a machine belongs to a Node: it has a name or address of the Node, or one that the kubelet reported. With
 * a kubeconfig on the wrong machine, two kubelets would update one Node.
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
    message: `the host name of the machine is ${hostname}, not ${names.join(' or ')}; nothing was written`,
    subject: name,
    hint: 'check the address; with a kubeconfig on the wrong machine, two kubelets would update one Node',
  });
}

/** Names and addresses of the machine of a Node as its kubelet reported them, in lower case; not checked. */
export function namesOf(name: string, node: KubernetesObject | undefined): readonly string[] {
  const told =
    node === undefined ? [] : addressesOf(node).filter(({ type }) => type === 'Hostname' || type === 'InternalIP');
  return [...new Set([name, ...told.map(({ address }) => address)].map((each) => each.toLowerCase()))];
}

/** `node02` of `node02.example.test`. */
function shortOf(name: string): string | undefined {
  return name.split('.')[0];
}

function noDirectory(node: string, directory: HostPath): JoinError {
  return new JoinError({
    code: 'JOIN_FILE_INVALID',
    message: `${node} has no directory ${directory}; nothing was written`,
    subject: directory,
    hint: 'check the paths in the unit of its kubelet',
  });
}
