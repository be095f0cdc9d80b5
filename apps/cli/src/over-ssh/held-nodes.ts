import { isRecoveryError } from '@kube-rescue/errors';
import { type HostLock, joinPath } from '@kube-rescue/host';
import { CliError } from '../errors.ts';
import type { Session } from '../wiring.ts';
import type { ListedNode } from './node-list.ts';
import { closeNodes, connectNodes, type RemoteNode, STATE_DIRECTORY } from './remote-node.ts';
import { removePrograms } from './remote-run.ts';

const LOCK = joinPath(STATE_DIRECTORY, 'nodes.lock');
const DIRECTORY_MODE = 0o700;
/** Longer than a lock outlives its connection; see `lockOverSsh` of the package host. */
const OWN_LOCK_MS = 60_000;
const RETRY_MS = 2_000;

interface NodeLock {
  readonly node: RemoteNode;
  lock: HostLock;
}

/**
 * Connects to nodes for the duration of an action. At its end, the carried programs that no longer run are removed, and locks and
 * connections end.
 *
 * @param holder what this process does there, for others that want to
 * @param action gets a function that takes the lock of every node, and takes again what a lost connection has lost
 * @throws CliError `NODES_UNFIT`; from the function `NODES_BUSY`
 */
export async function holdingNodes<T>(
  listed: readonly ListedNode[],
  holder: string,
  session: Pick<Session, 'host' | 'reporter' | 'clock'>,
  action: (nodes: readonly RemoteNode[], lock: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const nodes = await connectNodes(listed);
  const line = `${holder} on ${session.host.name}, process ${process.pid}`;
  const locks: NodeLock[] = [];
  const take = async (): Promise<void> => {
    // In the same order for every process, so that one of two has all of them or none.
    for (const node of nodes.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const held = locks.find((each) => each.node === node);
      if (held === undefined) locks.push({ node, lock: await takeLock(node, line) });
      else if (!(await held.lock.isHeld())) held.lock = await takeAgain(node, line, session.clock);
    }
  };
  let last = Promise.resolve();
  const lock = (): Promise<void> => {
    last = last.then(take, take);
    return last;
  };
  try {
    return await action(nodes, lock);
  } finally {
    await Promise.all(locks.map(({ node }) => cleanUp(node, session)));
    await Promise.allSettled(locks.map((each) => each.lock.release()));
    await closeNodes(nodes);
  }
}

/** After a loss of the connection, the node may take a while to notice, and holds the lock for us meanwhile. */
async function takeAgain(node: RemoteNode, holder: string, clock: Session['clock']): Promise<HostLock> {
  const deadline = clock.now().getTime() + OWN_LOCK_MS;
  for (;;) {
    try {
      return await takeLock(node, holder);
    } catch (error) {
      const isOwn = isRecoveryError(error, 'NODES_BUSY') && error.subject === holder;
      if (!isOwn || clock.now().getTime() > deadline) throw error;
      await clock.sleep(RETRY_MS);
    }
  }
}

async function takeLock({ name, host }: RemoteNode, holder: string): Promise<HostLock> {
  try {
    await host.makeDirectory(STATE_DIRECTORY, { mode: DIRECTORY_MODE });
    return await host.acquireLock(LOCK, holder);
  } catch (error) {
    if (!isRecoveryError(error, 'HOST_LOCKED')) throw error;
    throw new CliError({
      code: 'NODES_BUSY',
      message: `another process recovers or rolls back ${name} over SSH; nothing was changed`,
      subject: error.subject ?? name,
      hint: 'wait for its end; if it was killed, its lock ends within a minute',
      cause: error,
    });
  }
}

async function cleanUp(node: RemoteNode, { reporter }: Pick<Session, 'reporter'>): Promise<void> {
  try {
    await removePrograms(node);
  } catch (error) {
    if (!isRecoveryError(error)) throw error;
    reporter.warn(`${node.name}: the carried program is still in ${STATE_DIRECTORY}/carried: ${error.message}`);
  }
}

/** The record of several nodes is a journal of its own, and no change of a node. */
export function recordFiles({ localFiles }: Pick<Session, 'localFiles'>): Session['localFiles'] {
  return { ...localFiles, host: localFiles.journalHost };
}
