import { HostError, type HostLock, type HostPath, joinPath } from '@kube-rescue/host';
import { LabError } from '../errors.ts';
import { runCommand } from '../machine/command.ts';
import { type LabDeps, secondsSince } from '../machine/lab-deps.ts';
import type { KubernetesRelease } from './kubernetes-release.ts';

/** A method to obtain the binaries of a release. */
export interface BinarySource<Name extends string = string> {
  readonly name: Name;
  /** Disk space that it needs meanwhile. */
  readonly bytes: number;
  /**
   * Puts the programs into the directory `bin` of `work`.
   *
   * @returns the reason why this source cannot be used here, or `undefined` on success
   * @throws LabError when it could be used, and failed
   */
  obtain(work: HostPath, report: Report, deps: LabDeps): Promise<string | undefined>;
}

/** Reports progress; the seconds since the start are added. */
export type Report = (message: string) => void;

interface Obtaining<Name extends string> {
  readonly release: KubernetesRelease;
  /** Contains the directories of all releases. */
  readonly store: HostPath;
  /** The target directory of the binaries; it appears complete or not at all. */
  readonly directory: HostPath;
  readonly sources: readonly BinarySource<Name>[];
  /** The reason why the result in this directory cannot be used, or `undefined`. */
  readonly accept: (directory: HostPath) => Promise<string | undefined>;
}

/**
 * Obtains binaries from the first source that has them, in a temporary directory beside `directory`, and renames it to `directory`.
 * One process at a time.
 *
 * @throws LabError `LAB_BUSY` `LAB_NO_SPACE` `LAB_BUILD_FAILED`; `LAB_KUBERNETES_MISSING` without a source, with every reason
 */
export async function obtainBinaries<Name extends string>(
  { release, store, directory, sources, accept }: Obtaining<Name>,
  deps: LabDeps,
): Promise<Name> {
  const { host, clock } = deps;
  const startedAt = clock.now();
  const report = (message: string): void => {
    deps.onProgress?.({ phase: 'build', message: `${message} (${secondsSince(clock, startedAt)} s)` });
  };
  await host.makeDirectory(store, { mode: 0o755 });
  const lock = await lockStore(store, deps);
  const work = joinPath(store, 'build');
  const reasons: string[] = [];
  try {
    for (const source of sources) {
      await assertSpace(store, source, deps);
      await removeTree(work, deps);
      await host.makeDirectory(joinPath(work, 'bin'), { mode: 0o755 });
      const reason =
        (await source.obtain(work, report, deps).catch((error: unknown) => rethrow(error, release))) ??
        (await accept(joinPath(work, 'bin')));
      if (reason === undefined) {
        await removeTree(directory, deps);
        await runCommand(deps, ['mv', '--no-target-directory', joinPath(work, 'bin'), directory]);
        report(`Kubernetes ${release.version} is in ${directory}`);
        return source.name;
      }
      reasons.push(`${source.name}: ${reason}`);
      report(`not from ${source.name}: ${reason}`);
    }
    throw unobtainable(release, reasons);
  } finally {
    await removeTree(work, { host });
    await lock.release();
  }
}

/** Removes a directory with its contents; succeeds when it is already absent. */
export async function removeTree(directory: HostPath, deps: Pick<LabDeps, 'host'>): Promise<void> {
  await runCommand({ host: deps.host }, ['rm', '-rf', '--one-file-system', directory], { timeoutMs: 5 * 60_000 });
}

async function lockStore(store: HostPath, { host }: LabDeps): Promise<HostLock> {
  try {
    return await host.acquireLock(joinPath(store, 'build.lock'), 'building Kubernetes');
  } catch (cause) {
    if (!(cause instanceof HostError && cause.code === 'HOST_LOCKED')) throw cause;
    throw new LabError({
      code: 'LAB_BUSY',
      message: 'another process is building the Kubernetes binaries',
      subject: store,
      hint: 'wait for that build to end, then try again',
      cause,
    });
  }
}

async function assertSpace(store: HostPath, { name, bytes }: BinarySource, { host }: LabDeps): Promise<void> {
  const free = await host.freeBytes(store);
  if (free >= bytes) return;
  throw new LabError({
    code: 'LAB_NO_SPACE',
    message: `Kubernetes from ${name} needs ${bytes / 1e9} GB of disk space; ${(free / 1e9).toFixed(1)} GB are free`,
    subject: store,
    hint: 'free some space, or set XDG_CACHE_HOME to a directory on another disk',
  });
}

function rethrow(error: unknown, { version }: KubernetesRelease): never {
  if (!(error instanceof LabError && error.code === 'LAB_COMMAND_FAILED')) throw error;
  throw new LabError({
    code: 'LAB_BUILD_FAILED',
    message: 'building the Kubernetes binaries failed',
    subject: version,
    hint: 'see the cause, or set KUBEBUILDER_ASSETS to a directory with binaries that were built elsewhere',
    cause: error,
  });
}

function unobtainable({ version, go }: KubernetesRelease, reasons: readonly string[]): LabError {
  const install =
    go === undefined ? 'run the lab on Debian 12' : `install Go ${go} or later in /usr/local/go (https://go.dev/dl)`;
  return new LabError({
    code: 'LAB_KUBERNETES_MISSING',
    message: `Kubernetes ${version} cannot be obtained: ${reasons.join('; ')}`,
    subject: version,
    hint: `${install}, or set KUBEBUILDER_ASSETS to a directory with its programs`,
  });
}
