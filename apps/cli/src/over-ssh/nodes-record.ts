import { randomBytes } from 'node:crypto';
import { toRfc3339 } from '@kube-rescue/errors';
import { type Clock, type HostPath, joinPath } from '@kube-rescue/host';
import type { LocalFiles } from '../local-files.ts';
import { CliError } from '../errors.ts';
import type { ListedNode } from './node-list.ts';

/** What a recovery of several nodes leaves on the machine that started it, to resume it and to roll it back. */
export interface NodesRecord {
  readonly version: 1;
  readonly id: string;
  readonly startedAt: string;
  /** In the order of their recovery. */
  readonly nodes: readonly RecordedNode[];
  /** The flags that select the files of a node. */
  readonly nodeFlags: readonly string[];
  /** CA certificates that every node gets, by their names below `pki`; absent: the CAs stay as they are. */
  readonly cas?: Readonly<Record<string, string>> | undefined;
  readonly outcome: 'started' | 'done' | 'waiting' | 'failed' | 'rolled-back';
}

interface RecordedNode extends ListedNode {
  /** The number of its newest run before this one; `null`: it had none. */
  readonly newestRunBefore: number | null;
}

const RECORD_MODE = 0o600;
const DIRECTORY_MODE = 0o700;
const PREFIX = 'nodes-';
const ID = /^nodes-\d{8}T\d{6}Z-[0-9a-f]{4}$/;

/** Whether a run is one of several nodes. */
export function isNodesRun(id: string): boolean {
  return id.startsWith(PREFIX);
}

export function newNodesId(clock: Pick<Clock, 'now'>): string {
  const time = toRfc3339(clock.now()).replaceAll(/[-:]/g, '');
  return `${PREFIX}${time}-${randomBytes(2).toString('hex')}`;
}

/** @throws HostError */
export async function writeRecord(record: NodesRecord, directory: HostPath, { host }: LocalFiles): Promise<void> {
  await host.makeDirectory(directory, { mode: DIRECTORY_MODE });
  const text = `${JSON.stringify(record, null, 2)}\n`;
  await host.writeFile(joinPath(directory, `${record.id}.json`), new TextEncoder().encode(text), {
    mode: RECORD_MODE,
    isOwn: true,
  });
}

/** @throws CliError `NODES_RUN_NOT_FOUND`; HostError */
export async function readRecord(id: string, directory: HostPath, { host }: LocalFiles): Promise<NodesRecord> {
  const bytes = ID.test(id) ? await host.readFile(joinPath(directory, `${id}.json`)) : undefined;
  const record = parseRecord(bytes);
  if (record !== undefined) return record;
  throw new CliError({
    code: 'NODES_RUN_NOT_FOUND',
    message: 'this machine has no record of such a recovery of several nodes',
    subject: id,
    hint: `the records are in ${directory}; on each node: \`kube-rescue runs\``,
  });
}

/** The newest recovery of the same nodes that has not ended as done; `undefined` without one. @throws HostError */
export async function findUnfinished(
  names: readonly string[],
  directory: HostPath,
  { host }: LocalFiles,
): Promise<NodesRecord | undefined> {
  const files = ((await host.list(directory)) ?? []).filter((name) => ID.test(name.replace(/\.json$/, '')));
  for (const file of files.toReversed()) {
    const record = parseRecord(await host.readFile(joinPath(directory, file)));
    const isSame =
      record?.nodes
        .map(({ name }) => name)
        .toSorted()
        .join() === names.toSorted().join();
    if (record !== undefined && isSame) return ['done', 'rolled-back'].includes(record.outcome) ? undefined : record;
  }
  return undefined;
}

function parseRecord(bytes: Uint8Array | undefined): NodesRecord | undefined {
  if (bytes === undefined) return undefined;
  try {
    const value = JSON.parse(new TextDecoder().decode(bytes)) as Partial<NodesRecord>;
    return value.version === 1 && Array.isArray(value.nodes) ? (value as NodesRecord) : undefined;
  } catch {
    return undefined;
  }
}
