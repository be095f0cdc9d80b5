import { findForeignWriter, type HostPath, hostPath } from '@kube-rescue/host';
import type { LabDeps } from '../machine/lab-deps.ts';

/** Where https://go.dev/doc/install puts it. */
const INSTALLED = '/usr/local/go/bin/go';

/** A Go toolchain of this machine. */
export interface GoToolchain {
  readonly program: HostPath;
  /** `1.26.8`. */
  readonly version: string;
}

/**
 * The first Go in PATH or /usr/local/go that is not older than `oldest`, and that only root can write.
 *
 * @param oldest `1.26`
 * @returns without such a Go the reason, which names those that are too old
 */
export async function findGo(
  oldest: string,
  { host, signal }: Pick<LabDeps, 'host' | 'signal'>,
): Promise<GoToolchain | string> {
  // Debian's which(1) exits with 1 when it finds none.
  const listing = await host.exec(['which', '-a', 'go'], { timeoutMs: 5000, signal });
  const found = listing.stdout.split('\n').filter((path) => path.startsWith('/'));
  const unfit: string[] = [];
  for (const program of new Set([...found, INSTALLED].map((path) => hostPath(path)))) {
    if ((await host.stat(program)) === undefined) continue;
    const writer = await findForeignWriter(program, { host }, { allowSticky: true });
    if (writer !== undefined) {
      unfit.push(`${program} is not trusted: ${writer.reason}`);
      continue;
    }
    const version = await versionOf(program, { host, signal });
    if (version !== undefined && isAtLeast(version, oldest)) return { program, version };
    unfit.push(`${program} is ${version ?? 'not usable'}`);
  }
  const known = unfit.length === 0 ? '' : ` (${unfit.join(', ')})`;
  return `no Go ${oldest} or later in PATH or /usr/local/go${known}`;
}

async function versionOf(program: HostPath, { host, signal }: Pick<LabDeps, 'host' | 'signal'>) {
  const { stdout } = await host.exec([program, 'env', 'GOVERSION'], { timeoutMs: 30_000, signal });
  return /^go(\d+\.\d+(?:\.\d+)?)/.exec(stdout)?.[1];
}

/** Compares major and minor versions. */
export function isAtLeast(version: string, oldest: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = oldest.split('.').map(Number);
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}

/** How to get a Go that {@link findGo} takes. */
export function installGo(oldest: string): string {
  return `install Go ${oldest} or later in /usr/local/go (https://go.dev/dl)`;
}
