import { isRecoveryError, type RecoveryError } from '@kube-rescue/errors';
import { createSshHost, guardHost, type HostPath, hostPath, joinPath, type SshHost } from '@kube-rescue/host';
import { CliError } from '../errors.ts';
import { type ListedNode, sshOptionsOf } from './node-list.ts';

/** A node with its connection, which is opened again by the next command after a loss. */
export interface RemoteNode extends ListedNode {
  readonly host: SshHost;
}

/** Everything of ours on a node, as on this machine. */
export const STATE_DIRECTORY = hostPath('/var/lib/kube-rescue');
/** The programs that were carried there, each in a directory of its own. */
export const CARRIED_DIRECTORY = joinPath(STATE_DIRECTORY, 'carried');

/**
 * Connects to every node at once. The caller closes each.
 * @throws CliError `NODES_UNFIT` with the reason of each node that cannot be reached, or where the login is not root
 */
export async function connectNodes(nodes: readonly ListedNode[]): Promise<readonly RemoteNode[]> {
  const opened = await Promise.allSettled(nodes.map(connect));
  const failed = nodes.flatMap((node, index) => {
    const result = opened[index];
    return result?.status === 'rejected' ? [reasonOf(node, result.reason)] : [];
  });
  const connected = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const notRoot = connected
    .filter(({ host }) => host.userId() !== 0)
    .map(({ name }) => `${name}: the login is not root`);
  if (failed.length + notRoot.length === 0) return connected;
  await closeNodes(connected);
  throw unfit(
    [...failed, ...notRoot],
    'check each with ssh; pass --ssh-user, --ssh-identity, or --ssh-sudo for a login that may use sudo',
  );
}

export async function closeNodes(nodes: readonly RemoteNode[]): Promise<void> {
  await Promise.allSettled(nodes.map(({ host }) => host.close()));
}

async function connect(node: ListedNode): Promise<RemoteNode> {
  return { ...node, host: guardHost(await createSshHost(sshOptionsOf(node)), { allowSticky: true }) };
}

/** `NAME: why (CODE)`. @throws what is no expected failure */
function reasonOf({ name }: Pick<ListedNode, 'name'>, error: unknown): string {
  if (!isRecoveryError(error)) throw error;
  return `${name}: ${error.message} (${error.code})`;
}

/** The refusal of nodes as they are, before anything was changed on one of them. */
export function unfit(reasons: readonly string[], hint: string, cause?: unknown): CliError {
  return new CliError({
    code: 'NODES_UNFIT',
    message: 'nothing was changed on any node',
    reasons,
    subject: '--nodes',
    hint,
    cause,
  });
}

/** The results of every node, in their order; the failures of all, where one has failed. */
export async function onEach<N extends Pick<ListedNode, 'name'>, T>(
  nodes: readonly N[],
  perform: (node: N) => Promise<T>,
  hint: string,
): Promise<readonly T[]> {
  const settled = await Promise.allSettled(nodes.map(perform));
  const failed = nodes.flatMap((node, index) => {
    const result = settled[index];
    return result?.status === 'rejected' ? [{ node, error: result.reason as RecoveryError }] : [];
  });
  if (failed.length > 0) {
    throw unfit(
      failed.map(({ node, error }) => reasonOf(node, error)),
      failed[0]?.error.hint ?? hint,
      failed[0]?.error,
    );
  }
  return settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

/** A directory of ours on a node. */
export function carriedPath(id: string, ...names: readonly string[]): HostPath {
  return joinPath(CARRIED_DIRECTORY, id, ...names);
}
