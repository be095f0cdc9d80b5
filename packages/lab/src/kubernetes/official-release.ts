import { baseName, type HostPath, joinPath } from '@kube-rescue/host';
import { lastOutput, runCommand } from '../machine/command.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import type { BinarySource } from './binary-store.ts';
import { ETCD_BINARIES, KUBERNETES_BINARIES, type KubernetesRelease } from './kubernetes-release.ts';

/** Measured: 0.7 GB of binaries, an archive of etcd, and spare. */
const BYTES = 1.2e9;
const FILE_TIMEOUT_MS = 15 * 60_000;

/** The addresses below which releases are published. Default: those of the projects. */
export interface ReleaseUrls {
  /** Has `VERSION/bin/linux/ARCHITECTURE/PROGRAM`, and `.sha256` beside each. */
  readonly kubernetes?: string | undefined;
  /** Has `VERSION/etcd-VERSION-linux-ARCHITECTURE.tar.gz`, and `SHA256SUMS` beside it. */
  readonly etcd?: string | undefined;
}

const KUBERNETES_RELEASES_URL = 'https://dl.k8s.io/release';
const ETCD_RELEASES_URL = 'https://github.com/etcd-io/etcd/releases/download';

/** A server that does not answer, or hardly, is given up soon: there are other sources. */
const CURL = [
  ...(['curl', '--fail', '--silent', '--show-error', '--location'] as const),
  ...['--connect-timeout', '5', '--speed-limit', '10000', '--speed-time', '15'],
] as const;

/**
 * Downloads the official binaries, and refuses those whose SHA-256 is not the published one.
 *
 * @param environment variables for curl: proxies
 */
export function officialRelease(
  release: KubernetesRelease,
  { kubernetes = KUBERNETES_RELEASES_URL, etcd = ETCD_RELEASES_URL }: ReleaseUrls,
  environment: Readonly<Record<string, string>>,
): BinarySource<'official-release'> {
  return {
    name: 'official-release',
    bytes: BYTES,
    obtain: async (work, report, deps) => {
      const { version, etcdVersion } = release;
      const architecture = (await runCommand(deps, ['dpkg', '--print-architecture'])).stdout.trim();
      const env = { ...environment, PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };
      const bin = joinPath(work, 'bin');
      const download = (url: string, file: HostPath) => fetchFile(url, file, env, deps);
      const directory = `${kubernetes}/${version}/bin/linux/${architecture}`;
      for (const name of KUBERNETES_BINARIES) {
        report(`downloading ${name} from ${kubernetes}`);
        const file = joinPath(bin, name);
        const sum = joinPath(work, `${name}.sha256`);
        const reason =
          (await download(`${directory}/${name}.sha256`, sum)) ??
          (await download(`${directory}/${name}`, file)) ??
          (await whyOtherSum(file, await publishedSum(sum, name, deps), deps));
        if (reason !== undefined) return reason;
        await runCommand(deps, ['chmod', '0755', file]);
      }
      if (etcdVersion === undefined) return undefined;
      report(`downloading etcd from ${etcd}`);
      const archive = joinPath(work, `etcd-${etcdVersion}-linux-${architecture}.tar.gz`);
      const sums = joinPath(work, 'SHA256SUMS');
      const reason =
        (await download(`${etcd}/${etcdVersion}/SHA256SUMS`, sums)) ??
        (await download(`${etcd}/${etcdVersion}/${baseName(archive)}`, archive)) ??
        (await whyOtherSum(archive, await publishedSum(sums, baseName(archive), deps), deps));
      if (reason !== undefined) return reason;
      const inside = baseName(archive).replace(/\.tar\.gz$/, '');
      const members = ETCD_BINARIES.map((name) => `${inside}/${name}`);
      const unpack = ['tar', '--extract', '--gzip', '--file', archive, '--directory', bin] as const;
      await runCommand(deps, [...unpack, '--strip-components=1', '--no-same-owner', ...members]);
      return undefined;
    },
  };
}

/** The reason why the file cannot be downloaded, or `undefined` on success. */
async function fetchFile(
  url: string,
  file: HostPath,
  env: Readonly<Record<string, string>>,
  { host, signal }: LabDeps,
): Promise<string | undefined> {
  // The sums come from the same server: no redirection may lead from HTTPS to a server that anybody can stand in for.
  const schemes = url.startsWith('https:') ? '=https' : '=https,http';
  const argv = [...CURL, '--proto', schemes, '--proto-redir', schemes, '--output', file, url] as const;
  const result = await host.exec(argv, { timeoutMs: FILE_TIMEOUT_MS, env, signal });
  return result.exitCode === 0 ? undefined : `${url}: ${lastOutput(result, 1)}`;
}

/** @param sums the SHA-256 alone, or lines of SHA-256 and file name */
async function publishedSum(sums: HostPath, name: string, { host }: LabDeps): Promise<string | undefined> {
  const lines = Buffer.from((await host.readFile(sums)) ?? '')
    .toString('utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+\*?/));
  return lines.find(([sum = '', of]) => /^[0-9a-f]{64}$/.test(sum) && (of === undefined || of === name))?.[0];
}

async function whyOtherSum(file: HostPath, published: string | undefined, deps: LabDeps): Promise<string | undefined> {
  if (published === undefined) return `no SHA-256 is published for ${baseName(file)}`;
  const { stdout } = await runCommand(deps, ['sha256sum', file], { timeoutMs: FILE_TIMEOUT_MS });
  const sum = stdout.slice(0, 64);
  return sum === published
    ? undefined
    : `${baseName(file)} is refused: its SHA-256 is ${sum}, published is ${published}`;
}
