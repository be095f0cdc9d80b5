import { printable } from '@kube-rescue/errors';
import type { Host, HostPath } from '@kube-rescue/host';
import { EtcdError } from '../errors.ts';
import { TOOL_ENVIRONMENT } from './restore-tool.ts';

/** How a file becomes the data directory of a new cluster of one member. */
export interface SnapshotRestore {
  /** etcd's own restore program: a path, or a name in PATH. */
  readonly program: string;
  /** The snapshot, or the database of a data directory. */
  readonly source: string;
  /** Does not exist yet. */
  readonly directory: HostPath;
  readonly name: string;
  readonly peerUrl: string;
  /** The token of the new cluster. */
  readonly token: string;
  /** How far the revision is raised; 0 where the program cannot. */
  readonly bump: number;
  /** The file has a hash of its own, which the program verifies. */
  readonly isHashed: boolean;
}

/** A database of 8 GiB on a slow disk. */
const RESTORE_TIMEOUT_MS = 30 * 60_000;

/**
 * Restores a file into a new data directory with etcd's own program.
 * @throws EtcdError `ETCD_RESTORE_FAILED`; HostError
 */
export async function restoreSnapshot(
  restore: SnapshotRestore,
  { host }: { readonly host: Pick<Host, 'exec'> },
  signal?: AbortSignal,
): Promise<void> {
  const argv = argumentsOf(restore);
  const options = { timeoutMs: RESTORE_TIMEOUT_MS, env: TOOL_ENVIRONMENT, signal };
  const { exitCode, stdout, stderr } = await host.exec(argv, options);
  if (exitCode === 0) return;
  const lines = `${stdout}\n${stderr}`.trim().split('\n');
  throw restoreFailed(
    restore.source,
    `${restore.program} ended with ${exitCode}: ${printable(lines.at(-1) ?? '').slice(0, 300)}`,
  );
}

export function restoreFailed(source: string, reason: string): EtcdError {
  return new EtcdError({
    code: 'ETCD_RESTORE_FAILED',
    message: `the snapshot was not restored: ${reason}`,
    subject: source,
    hint: 'the old data is unchanged; use another copy of the snapshot, or another etcdutl (--etcdutl)',
  });
}

function argumentsOf(restore: SnapshotRestore): readonly [string, ...string[]] {
  const { program, source, directory, name, peerUrl, token, bump, isHashed } = restore;
  return [
    ...([program, 'snapshot', 'restore', source] as const),
    ...[`--data-dir=${directory}`, `--name=${name}`, `--initial-cluster=${name}=${peerUrl}`],
    // With the old token the cluster would have its old id, and members that come back could talk to it.
    ...[`--initial-advertise-peer-urls=${peerUrl}`, `--initial-cluster-token=${token}`],
    // Watches that are open since before would otherwise wait for revisions that are used again, and show nothing.
    ...(bump === 0 ? [] : [`--bump-revision=${bump}`, '--mark-compacted']),
    ...(isHashed ? [] : ['--skip-hash-check']),
  ];
}
