import { HostError, type HostLock, type HostPath, joinPath } from '@kube-rescue/host';
import { LabError } from '../errors.ts';
import { runCommand } from '../machine/command.ts';
import { type LabDeps, secondsSince } from '../machine/lab-deps.ts';

/** A method to obtain binaries. */
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

/** What is obtained. */
export interface Obtainable {
  /** As people call it: `Kubernetes v1.37.2`. */
  readonly name: string;
  /** How a machine gets what a build needs: `install Go 1.26 or later in /usr/local/go (https://go.dev/dl)`. */
  readonly install: string;
  /** What to do where it cannot be built. */
  readonly otherwise: string;
}

interface Obtaining<Name extends string> {
  readonly what: Obtainable;
  /** Contains the directories of all versions. */
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
  { what, store, directory, sources, accept }: Obtaining<Name>,
  deps: LabDeps,
): Promise<Name> {
  const { host, clock } = deps;
  const startedAt = clock.now();
  const report = (message: string): void => {
    deps.onProgress?.({ phase: 'build', message: `${message} (${secondsSince(clock, startedAt)} s)` });
  };
  await host.makeDirectory(store, { mode: 0o755 });
  const lock = await lockStore(what, store, deps);
  const work = joinPath(store, 'build');
  const reasons: string[] = [];
  try {
    for (const source of sources) {
      await assertSpace(what, store, source, deps);
      await removeTree(work, deps);
      await host.makeDirectory(joinPath(work, 'bin'), { mode: 0o755 });
      const reason =
        (await source.obtain(work, report, deps).catch((error: unknown) => rethrow(error, what))) ??
        (await accept(joinPath(work, 'bin')));
      if (reason === undefined) {
        await removeTree(directory, deps);
        await runCommand(deps, ['mv', '--no-target-directory', joinPath(work, 'bin'), directory]);
        report(`${what.name} is in ${directory}`);
        return source.name;
      }
      reasons.push(`${source.name}: ${reason}`);
      report(`not from ${source.name}: ${reason}`);
    }
    throw unobtainable(what, reasons);
  } finally {
    await removeTree(work, { host });
    await lock.release();
  }
}

/** Removes a directory with its contents; succeeds when it is already absent. */
export async function removeTree(directory: HostPath, deps: Pick<LabDeps, 'host'>): Promise<void> {
  await runCommand({ host: deps.host }, ['rm', '-rf', '--one-file-system', directory], { timeoutMs: 5 * 60_000 });
}

async function lockStore({ name }: Obtainable, store: HostPath, { host }: LabDeps): Promise<HostLock> {
  try {
    return await host.acquireLock(joinPath(store, 'build.lock'), `building ${name}`);
  } catch (cause) {
    if (!(cause instanceof HostError && cause.code === 'HOST_LOCKED')) throw cause;
    throw new LabError({
      code: 'LAB_BUSY',
      message: 'another process is building programs of a lab',
      subject: store,
      hint: 'wait for that build to end, then try again',
      cause,
    });
  }
}

async function assertSpace(
  what: Obtainable,
  store: HostPath,
  { name, bytes }: BinarySource,
  { host }: LabDeps,
): Promise<void> {
  const free = await host.freeBytes(store);
  if (free >= bytes) return;
  throw new LabError({
    code: 'LAB_NO_SPACE',
    message: `${what.name} from ${name} needs ${bytes / 1e9} GB of disk space; ${(free / 1e9).toFixed(1)} GB are free`,
    subject: store,
    hint: 'free some space, or set XDG_CACHE_HOME to a directory on another disk',
  });
}

function rethrow(error: unknown, { name, otherwise }: Obtainable): never {
  if (!(error instanceof LabError && error.code === 'LAB_COMMAND_FAILED')) throw error;
  throw new LabError({
    code: 'LAB_BUILD_FAILED',
    message: 'building the programs of a lab failed',
    subject: name,
    hint: `see the cause, or ${otherwise}`,
    cause: error,
  });
}

function unobtainable({ name, install, otherwise }: Obtainable, reasons: readonly string[]): LabError {
  return new LabError({
    code: 'LAB_KUBERNETES_MISSING',
    message: `${name} cannot be obtained: ${reasons.join('; ')}`,
    subject: name,
    hint: `${install}, or ${otherwise}`,
  });
}
