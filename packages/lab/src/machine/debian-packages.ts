import { type ExecResult, type HostPath, hostPath } from '@kube-rescue/host';
import { lastOutput, runCommand } from './command.ts';
import type { LabDeps } from './lab-deps.ts';
import { LabError } from '../errors.ts';

/** The packages of a lab cluster, besides the Kubernetes binaries. */
export const CLUSTER_PACKAGES: readonly string[] = [
  'busybox-static',
  'ca-certificates',
  'containerd',
  'containernetworking-plugins',
  'curl',
  'etcd-client',
  'etcd-server',
  'iproute2',
  'iptables',
  'openssl',
  'runc',
];

/** The packages of a cluster with several control planes: in addition its load balancer, and SSH between the nodes. */
export const HIGH_AVAILABILITY_PACKAGES: readonly string[] = [
  ...CLUSTER_PACKAGES,
  'haproxy',
  'openssh-client',
  'openssh-server',
];

/**
 * The packages of a self-hosted cluster: in addition kube-proxy's conntrack, SSH between the nodes, and name servers outside
 * the cluster.
 */
export const SELF_HOSTED_PACKAGES: readonly string[] = [
  ...CLUSTER_PACKAGES,
  'conntrack',
  'knot',
  'openssh-client',
  'openssh-server',
];

type Machine = Pick<LabDeps, 'host' | 'signal'>;

const FETCH_TIMEOUT_MS = 5 * 60_000;
const INSTALL_TIMEOUT_MS = 15 * 60_000;

/**
 * `SYSTEMD_OFFLINE` (systemctl(1)) keeps package scripts from starting services on a machine with systemd.
 */
const APT_ENV = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LC_ALL: 'C.UTF-8',
  DEBIAN_FRONTEND: 'noninteractive',
  SYSTEMD_OFFLINE: '1',
};

/**
 * Installs those of `packages` that are missing, and starts none of their services.
 *
 * Fetches the package lists only if apt-get cannot install without. Installed packages stay.
 *
 * @throws LabError `LAB_PACKAGES_MISSING` when they cannot be installed (not root, or no apt-get), with the command to run;
 * `LAB_PACKAGES_NOT_INSTALLED` when apt-get failed
 */
export async function provideDebianPackages(packages: readonly string[], deps: LabDeps): Promise<void> {
  const missing = await missingPackages(packages, deps);
  if (missing.length === 0) return;
  if (deps.host.userId() !== 0 || !(await hasProgram('apt-get', deps))) throw packagesMissing(missing);

  const report = (message: string): void => deps.onProgress?.({ phase: 'packages', message });
  report(`installing ${missing.join(' ')}`);
  if ((await install(missing, deps)).exitCode === 0) return;
  report('fetching the package lists');
  await aptGet(['update'], deps);
  const result = await install(missing, deps);
  if (result.exitCode === 0) return;
  throw new LabError({
    code: 'LAB_PACKAGES_NOT_INSTALLED',
    message: `apt-get could not install the packages: ${lastOutput(result)}`,
    subject: missing.join(' '),
    hint: `run it by hand: ${installLine(missing)}`,
  });
}

/** The packages that are not installed according to dpkg; all of them without dpkg. */
async function missingPackages(packages: readonly string[], { host, signal }: Machine): Promise<readonly string[]> {
  if (!(await hasProgram('dpkg-query', { host, signal }))) return packages;
  const argv = ['dpkg-query', '--show', '--showformat=${Package} ${db:Status-Status}\\n', ...packages] as const;
  // It exits with 1 when a package is unknown, and still lists the others.
  const { stdout } = await host.exec(argv, { timeoutMs: 10_000, signal });
  return withoutInstalled(packages, stdout);
}

/** @param listing lines of `PACKAGE STATUS` from dpkg-query */
export function withoutInstalled(packages: readonly string[], listing: string): readonly string[] {
  const installed = new Set(
    listing
      .split('\n')
      .map((line) => line.split(' '))
      .filter(([, status]) => status === 'installed')
      .map(([name]) => name),
  );
  return packages.filter((name) => !installed.has(name));
}

async function hasProgram(name: string, { host, signal }: Machine): Promise<boolean> {
  const result = await host.exec(['sh', '-c', 'command -v "$1"', 'sh', name], { timeoutMs: 5000, signal });
  return result.exitCode === 0;
}

function install(packages: readonly string[], { host, signal }: Machine): Promise<ExecResult> {
  return host.exec(['apt-get', 'install', '--yes', '--quiet', '--no-install-recommends', ...packages], {
    timeoutMs: INSTALL_TIMEOUT_MS,
    env: APT_ENV,
    signal,
  });
}

/** Runs apt-get without prompts and without starting services. */
export async function aptGet(args: readonly string[], deps: Machine, cwd: HostPath = hostPath('/')): Promise<void> {
  await runCommand(deps, ['apt-get', '--quiet', ...args], { timeoutMs: FETCH_TIMEOUT_MS, env: APT_ENV, cwd });
}

function installLine(packages: readonly string[]): string {
  return `apt-get install --no-install-recommends ${packages.join(' ')}`;
}

function packagesMissing(packages: readonly string[]): LabError {
  return new LabError({
    code: 'LAB_PACKAGES_MISSING',
    message: 'the lab needs Debian packages that are not installed',
    subject: packages.join(' '),
    hint: `run as root: ${installLine(packages)}`,
  });
}
