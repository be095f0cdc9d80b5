import { describeError, isRecoveryError, isUnavailable } from '@kube-rescue/errors';
import { hostPath } from '@kube-rescue/host';
import type { Finding, Phase, Step, StepJournal, Verdict } from '@kube-rescue/workflow';
import type { EtcdSearch, Node, NodeDeps } from '@kube-rescue/node';
import { keepSnapshot, type SnapshotRow, SNAPSHOTS_DIRECTORY } from './etcd-snapshot.ts';

const ID = 'backup/etcd-snapshot';
/** For an etcd that hangs; one that is down refuses at once. */
const PROBE_TIMEOUT_MS = 3_000;
/** The API server answers already, and so does etcd. */
const WAIT_MS = 15_000;
const INTERVAL_MS = 500;

export interface SnapshotOptions {
  /** How etcd is searched for. Default: by the files and flags of this node. */
  readonly search?: EtcdSearch | undefined;
}

/** The status of etcd before the first change. */
interface Reach {
  readonly endpoint: string;
  /** Bytes. */
  readonly dbSize: number;
}

/**
 * The backup of etcd, in one of two phases: before the first change when etcd is reachable, otherwise after the restart of the
 * control plane. Decided again in each plan and run.
 */
export function createSnapshotPhases(
  opened: Node,
  options: SnapshotOptions = {},
): { readonly early: Phase; readonly late: Phase } {
  let isReachable = false;
  const title = 'etcd backup';
  return {
    early: opened.phase({
      id: 'backup',
      title,
      steps: async (node, _description, signal) => {
        const reach = await reachEtcd(node, options, signal);
        isReachable = reach !== undefined;
        return reach === undefined ? [] : [createEarlyStep(node, reach, options)];
      },
    }),
    late: opened.phase({
      id: 'backup-late',
      title,
      steps: (node) => (isReachable ? [] : [createLateStep(node, options)]),
    }),
  };
}

/** Fails before the first write of the run, or not at all. */
function createEarlyStep(node: Node, reach: Reach, options: SnapshotOptions): Step {
  let taken: SnapshotRow | undefined;
  return {
    ...FRAME,
    title: 'take a snapshot of etcd before the first change',
    check: () => checkDiskSpace(reach, node),
    apply: async (_changes, journal, signal) => {
      taken = await takeSnapshot(node, options, journal, signal);
    },
    verify: () => verifySnapshot(taken, node),
  };
}

/** A missing backup must not fail a recovered control plane: it becomes a warning. */
function createLateStep(node: Node, options: SnapshotOptions): Step {
  let taken: SnapshotRow | undefined;
  let failure: string | undefined;
  return {
    ...FRAME,
    title: 'take a snapshot of etcd after the restart',
    check: async () => ({ status: 'needed', summary: 'etcd is backed up once it is reachable', evidence: [] }),
    apply: async (_changes, journal, signal) => {
      try {
        taken = await takeWhenReachable(node, options, journal, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!isRecoveryError(error)) throw error;
        failure = describeError(error);
      }
    },
    verify: async () => {
      if (failure === undefined) return verifySnapshot(taken, node);
      return { verified: true, evidence: [], warnings: [`no snapshot of etcd was taken: ${failure}`] };
    },
  };
}

const FRAME = { id: ID, requires: [], reversible: 'yes', isPrecaution: true, plan: () => [] } as const;

async function reachEtcd(node: Node, options: SnapshotOptions, signal: AbortSignal): Promise<Reach | undefined> {
  try {
    const { client, connection } = await node.etcd({ ...options.search, timeoutMs: PROBE_TIMEOUT_MS }, signal);
    try {
      const { dbSize } = await client.status(connection.endpoint, { signal });
      return { endpoint: connection.endpoint, dbSize };
    } finally {
      client.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!isRecoveryError(error)) throw error;
    return undefined;
  }
}

async function checkDiskSpace({ endpoint, dbSize }: Reach, { host }: NodeDeps): Promise<Finding> {
  const { bytesForSnapshot } = await import('@kube-rescue/etcd-access');
  const free = await host.freeBytes(SNAPSHOTS_DIRECTORY);
  const needed = bytesForSnapshot(dbSize);
  const evidence = [`${endpoint} has a database of ${dbSize} bytes`];
  if (free >= needed) return { status: 'needed', summary: 'etcd is reachable and is backed up first', evidence };
  return {
    status: 'blocked',
    summary: `not enough disk space for a snapshot of etcd: it needs ${needed} bytes, ${free} are free`,
    evidence,
    code: 'ETCD_SNAPSHOT_NO_SPACE',
    subject: SNAPSHOTS_DIRECTORY,
    hint: 'free disk space (older snapshots are in this directory), or skip the backup: --skip backup',
  };
}

async function takeSnapshot(
  node: Node,
  options: SnapshotOptions,
  journal: StepJournal,
  signal: AbortSignal,
): Promise<SnapshotRow> {
  const etcd = await node.etcd(options.search ?? {}, signal);
  try {
    const onProgress = ({ bytes, expectedBytes }: { readonly bytes: number; readonly expectedBytes: number }): void =>
      journal.waitingFor(`the snapshot of etcd: ${bytes} of ${expectedBytes} bytes`);
    return await keepSnapshot(etcd, onProgress, node, signal);
  } finally {
    etcd.client.close();
  }
}

async function takeWhenReachable(
  node: Node,
  options: SnapshotOptions,
  journal: StepJournal,
  signal: AbortSignal,
): Promise<SnapshotRow> {
  const start = node.clock.now().getTime();
  for (;;) {
    try {
      return await takeSnapshot(node, options, journal, signal);
    } catch (error) {
      const isOver = node.clock.now().getTime() - start >= WAIT_MS;
      if (isOver || !isUnavailable(error)) throw error;
      journal.waitingFor('a connection to etcd');
      await node.clock.sleep(INTERVAL_MS, signal);
    }
  }
}

async function verifySnapshot(taken: SnapshotRow | undefined, { host }: NodeDeps): Promise<Verdict> {
  if (taken === undefined) return { verified: false, reason: 'this process took no snapshot' };
  const { path, bytes, sha256, revision } = taken;
  const stat = await host.stat(hostPath(path));
  if (stat?.size !== bytes) return { verified: false, reason: `${path} is missing or has another size` };
  return { verified: true, evidence: [`${path}: ${bytes} bytes, revision ${revision}, SHA-256 ${sha256}`] };
}
