import { assertTrusted, HostError, type HostPath, joinPath, parentPath } from '@kube-rescue/host';
import type { LabDeps } from './lab-deps.ts';
import { LabError } from '../errors.ts';
import { isLabId, LAB_LOCK, LAB_ROOT, labDirectory } from './lab-directory.ts';
import { waitFor } from './waiting.ts';

/** Identifies a process for good: a pid alone may be reused. */
export interface LabOwner {
  readonly pid: number;
  readonly startTicks: number;
}

/** The record of a lab, written before anything else of the lab exists. */
export interface LabRecord {
  readonly id: string;
  readonly owner: LabOwner;
  readonly nodes: readonly string[];
  /** Keep the lab after its owner has exited. */
  readonly kept: boolean;
}

const LOCK_DEADLINE_MS = 60_000;
const RECORD_FILE = 'lab.json';

/**
 * Runs `work` under the lock for registering, listing and removing labs.
 *
 * Root removes what the records of labs name, so their directory and the lock must be root's: another user could hold a lock
 * in /run/lock before root takes it.
 * @throws HostError `SOURCE_UNTRUSTED`
 */
export async function withLabLock<T>(deps: Pick<LabDeps, 'host' | 'clock'>, work: () => Promise<T>): Promise<T> {
  for (const path of [LAB_ROOT, LAB_LOCK]) await assertTrusted(path, deps, { ownDirectory: parentPath(LAB_LOCK) });
  await deps.host.makeDirectory(parentPath(LAB_LOCK), { mode: 0o755 });
  const lock = await waitFor(deps, {
    subject: LAB_LOCK,
    deadlineMs: LOCK_DEADLINE_MS,
    check: async () => {
      try {
        return { value: await deps.host.acquireLock(LAB_LOCK, 'registering or removing a lab') };
      } catch (error) {
        if (error instanceof HostError && error.code === 'HOST_LOCKED') return { waitingFor: 'another process' };
        throw error;
      }
    },
  });
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

/** Writes or replaces the record of a lab. */
export async function writeLabRecord(record: LabRecord, { host }: Pick<LabDeps, 'host'>): Promise<void> {
  const directory = labDirectory(record.id);
  await host.makeDirectory(LAB_ROOT, { mode: 0o755 });
  await host.makeDirectory(directory, { mode: 0o700 });
  await host.writeFile(recordFile(record.id), Buffer.from(`${JSON.stringify(record)}\n`), { mode: 0o600 });
}

/** Reads the record of a lab; `undefined` when it is missing or invalid. */
export async function readLabRecord(id: string, { host }: Pick<LabDeps, 'host'>): Promise<LabRecord | undefined> {
  const data = await host.readFile(recordFile(id));
  return data === undefined ? undefined : parseLabRecord(Buffer.from(data).toString('utf8'));
}

export function parseLabRecord(text: string): LabRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isLabRecord(value) ? value : undefined;
}

function isLabRecord(value: unknown): value is LabRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { id, owner, nodes, kept } = value as Partial<Record<keyof LabRecord, unknown>>;
  if (typeof id !== 'string' || !isLabId(id) || typeof kept !== 'boolean' || !Array.isArray(nodes)) return false;
  if (typeof owner !== 'object' || owner === null) return false;
  const { pid, startTicks } = owner as Partial<Record<keyof LabOwner, unknown>>;
  return typeof pid === 'number' && typeof startTicks === 'number' && nodes.every((name) => typeof name === 'string');
}

/** Lists the labs that have a directory. */
export async function listLabDirectories({ host }: Pick<LabDeps, 'host'>): Promise<readonly string[]> {
  return ((await host.list(LAB_ROOT)) ?? []).filter(isLabId);
}

/** Identifies the process that owns a lab. */
export async function identifyOwner(pid: number, { host }: Pick<LabDeps, 'host'>): Promise<LabOwner> {
  const found = (await host.processes()).find((each) => each.pid === pid);
  if (found !== undefined) return { pid, startTicks: found.startTicks };
  throw new LabError({
    code: 'LAB_MACHINE_UNSUPPORTED',
    message: 'the owner process of the lab does not exist on this machine',
    subject: String(pid),
    hint: 'run the lab on the machine itself, in its own PID namespace',
  });
}

export async function isOwnerRunning(owner: LabOwner, { host }: Pick<LabDeps, 'host'>): Promise<boolean> {
  return (await host.processes()).some(({ pid, startTicks }) => pid === owner.pid && startTicks === owner.startTicks);
}

function recordFile(id: string): HostPath {
  return joinPath(labDirectory(id), RECORD_FILE);
}
