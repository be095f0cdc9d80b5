import { findForeignWriter, type HostPath, joinPath } from '@kube-rescue/host';
import { lastOutput, runCommand } from '../machine/command.ts';
import type { LabDeps } from '../machine/lab-deps.ts';

/** A program, and the version that it must report. */
export interface WantedProgram {
  readonly name: string;
  /** `v1.37.2`. */
  readonly version: string;
  /** Every patch release of its minor version will do. Default: false. */
  readonly anyPatch?: boolean | undefined;
}

const SUMS = 'SHA256SUMS';
const VERSION_TIMEOUT_MS = 30_000;
const SUM_TIMEOUT_MS = 120_000;

/** How each program is asked for its version; the others understand `--version`. */
const VERSION_ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  kubeadm: ['version', '--output=short'],
  kubectl: ['version', '--client'],
  etcdctl: ['version'],
  etcdutl: ['version'],
  coredns: ['-version'],
};

/**
 * The reason why the binaries in `directory` are not the wanted ones, or `undefined`.
 *
 * Every program is asked for its version, but none that other users can write.
 */
export async function whyUnfit(
  directory: HostPath,
  wanted: readonly WantedProgram[],
  { host, signal }: LabDeps,
): Promise<string | undefined> {
  const names = wanted.map(({ name }) => name);
  const found = new Set(await host.list(directory));
  const missing = names.filter((name) => !found.has(name));
  if (missing.length > 0) return `${missing.join(', ')} missing`;
  for (const name of names) {
    const writer = await findForeignWriter(joinPath(directory, name), { host }, { allowSticky: true });
    if (writer !== undefined) return `${writer.path} is not trusted: ${writer.reason}; to correct it: ${writer.fix}`;
  }
  const odd = await Promise.all(wanted.map((each) => whyOtherVersion(directory, each, { host, signal })));
  return odd.find((reason) => reason !== undefined);
}

/**
 * As {@link whyUnfit}, and the files are those that {@link recordSums} recorded: a truncated program may still know its version.
 * A cache of earlier releases of the lab has no sums; they are recorded.
 */
export async function whyCacheUnfit(
  directory: HostPath,
  wanted: readonly WantedProgram[],
  deps: LabDeps,
): Promise<string | undefined> {
  const unfit = await whyUnfit(directory, wanted, deps);
  if (unfit !== undefined) return unfit;
  if ((await deps.host.stat(joinPath(directory, SUMS))) === undefined) {
    await recordSums(directory, wanted, deps);
    return undefined;
  }
  const argv = ['sha256sum', '--check', '--quiet', '--strict', SUMS] as const;
  const options = { timeoutMs: SUM_TIMEOUT_MS, cwd: directory, signal: deps.signal };
  const result = await deps.host.exec(argv, options);
  return result.exitCode === 0 ? undefined : lastOutput({ ...result, stderr: '' });
}

/** Writes the SHA-256 of every wanted program into `directory`, for {@link whyCacheUnfit}. */
export async function recordSums(directory: HostPath, wanted: readonly WantedProgram[], deps: LabDeps): Promise<void> {
  const argv = ['sha256sum', ...wanted.map(({ name }) => name)] as const;
  const { stdout } = await runCommand(deps, argv, { timeoutMs: SUM_TIMEOUT_MS, cwd: directory });
  await deps.host.writeFile(joinPath(directory, SUMS), Buffer.from(stdout), { mode: 0o644 });
}

async function whyOtherVersion(
  directory: HostPath,
  { name, version, anyPatch = false }: WantedProgram,
  { host, signal }: Pick<LabDeps, 'host' | 'signal'>,
): Promise<string | undefined> {
  const argv = [joinPath(directory, name), ...(VERSION_ARGUMENTS[name] ?? ['--version'])] as const;
  const ran = await host.exec(argv, { timeoutMs: VERSION_TIMEOUT_MS, signal }).catch(asFailure);
  const said = /\d+\.\d+\.\d+/.exec(ran.stdout)?.[0];
  if (ran.exitCode !== 0 || said === undefined) {
    return `${name} does not run: ${lastOutput(ran, 1) || `exit status ${ran.exitCode}`}`;
  }
  const wanted = version.slice(1);
  const isWanted = anyPatch ? minorOf(said) === minorOf(wanted) : said === wanted;
  return isWanted ? undefined : `${name} is v${said}, not v${wanted}`;
}

function minorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}

/** A file that the kernel does not execute is a reason, like a program that fails. */
function asFailure(error: unknown): { readonly exitCode: number; readonly stdout: string; readonly stderr: string } {
  if (error instanceof Error && error.name === 'AbortError') throw error;
  return { exitCode: 126, stdout: '', stderr: error instanceof Error ? error.message : String(error) };
}
