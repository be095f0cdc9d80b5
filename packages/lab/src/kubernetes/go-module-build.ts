import { type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../machine/command.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import { type BinarySource, type Report, removeTree } from './binary-store.ts';
import { trackPackages } from './build-progress.ts';
import { findGo } from './go-toolchain.ts';
import { ETCD_BINARIES, KUBERNETES_BINARIES, type KubernetesRelease } from './kubernetes-release.ts';
import { versionStamp } from './version-stamp.ts';

/** Measured: 4.2 GB of compiler cache, 0.7 GB of binaries, 0.6 GB of modules, and spare. */
const BYTES = 6.5e9;
/** Measured: 1.5 GB of compiler cache, 0.2 GB of binaries, 0.4 GB of modules, and spare. */
const ADDON_BYTES = 3e9;
const BUILD_TIMEOUT_MS = 90 * 60_000;
const LIST_TIMEOUT_MS = 10 * 60_000;

/** Our go.mod and go.sum of each release; the same place from src/ and from dist/. */
const DEFINITIONS = fileURLToPath(new URL('../../go/', import.meta.url));
const DEFINITION_FILES = ['go.mod', 'go.sum', 'tools.go'];

/** The import path of each program of etcd. */
const ETCD_PACKAGES: Readonly<Record<string, string>> = {
  etcd: 'go.etcd.io/etcd/server/v3',
  etcdctl: 'go.etcd.io/etcd/etcdctl/v3',
  etcdutl: 'go.etcd.io/etcd/etcdutl/v3',
};

/** The directory of a Go module; see its go.mod. */
export function moduleDefinition(name: `kubernetes-${string}` | `etcd-${string}` | 'addons'): HostPath {
  return hostPath(`${DEFINITIONS}${name}`);
}

/**
 * Builds a release and its etcd from Go modules, at the versions of our go.mod and with the checksums of our go.sum.
 *
 * An interrupted build leaves its compiler cache in `store`, and the next one resumes. Downloaded modules stay in Go's own module cache.
 *
 * @param environment variables for Go besides PATH: `HOME`, `GOPROXY`, `GOMODCACHE`, proxies
 */
export function goModules(
  release: KubernetesRelease,
  store: HostPath,
  environment: Readonly<Record<string, string>>,
): BinarySource<'go-modules'> {
  const { version, etcdVersion, go: oldest } = release;
  return {
    name: 'go-modules',
    bytes: BYTES,
    obtain: async (work, report, deps) => {
      if (oldest === undefined || etcdVersion === undefined) return 'the lab has no go.mod for it';
      const go = await findGo(oldest, deps);
      if (typeof go === 'string') return go;
      report(`building Kubernetes ${version} and etcd ${etcdVersion} from Go modules with Go ${go.version}`);
      const env = { ...goEnvironment(go.program, store, environment), TMPDIR: work };
      const build = { go: go.program, env, bin: joinPath(work, 'bin') };
      const etcd = await copyDefinition(`etcd-${etcdVersion}`, work, deps);
      for (const name of ETCD_BINARIES) {
        await compile(
          { ...build, tree: etcd, packages: [ETCD_PACKAGES[name] ?? ''], name, flags: '-s -w' },
          report,
          deps,
        );
      }
      const tree = await copyDefinition(`kubernetes-${version}`, work, deps);
      const packages = KUBERNETES_BINARIES.map((name) => `k8s.io/kubernetes/cmd/${name}`);
      await compile({ ...build, tree, packages, name: undefined, flags: versionStamp(version) }, report, deps);
      await removeTree(joinPath(store, 'go-build'), deps);
      return undefined;
    },
  };
}

/** A program of the Go module of the addons. */
export interface AddonProgram {
  readonly name: string;
  readonly version: string;
  /** The import path of its command. */
  readonly package: string;
}

/** Builds addons as {@link goModules} builds a release. */
export function goAddons(
  programs: readonly AddonProgram[],
  oldest: string,
  store: HostPath,
  environment: Readonly<Record<string, string>>,
): BinarySource<'go-modules'> {
  return {
    name: 'go-modules',
    bytes: ADDON_BYTES,
    obtain: async (work, report, deps) => {
      const go = await findGo(oldest, deps);
      if (typeof go === 'string') return go;
      const names = programs.map(({ name, version }) => `${name} ${version}`).join(' and ');
      report(`building ${names} from Go modules with Go ${go.version}`);
      const env = { ...goEnvironment(go.program, store, environment), TMPDIR: work };
      const tree = await copyDefinition('addons', work, deps);
      for (const { name, version, package: path } of programs) {
        const build = { go: go.program, env, bin: joinPath(work, 'bin'), tree, packages: [path] };
        await compile({ ...build, name, flags: versionStamp(version) }, report, deps);
      }
      await removeTree(joinPath(store, 'go-build'), deps);
      return undefined;
    },
  };
}

interface Compilation {
  readonly go: HostPath;
  readonly env: Readonly<Record<string, string>>;
  /** The directory of the go.mod. */
  readonly tree: HostPath;
  readonly packages: readonly string[];
  readonly bin: HostPath;
  /** The name of the one program; `undefined`: each has the name of its package. */
  readonly name: string | undefined;
  /** Linker flags. */
  readonly flags: string;
}

async function compile(
  { go, env, tree, packages, bin, name, flags }: Compilation,
  report: Report,
  deps: LabDeps,
): Promise<void> {
  // The go.sum is complete: a module that it does not name is a mistake of ours.
  const options = ['-mod=readonly', '-trimpath', '-ldflags', flags] as const;
  const format = '{{if .Stale}}{{.ImportPath}}{{end}}';
  report(`fetching the modules of ${name ?? `${packages.length} commands`}`);
  const list = [go, 'list', '-deps', '-f', format, ...options, ...packages] as const;
  const listing = await runCommand(deps, list, { cwd: tree, env, timeoutMs: LIST_TIMEOUT_MS });
  const total = listing.stdout.split('\n').filter((line) => line !== '').length;
  report(`compiling ${total} packages`);
  const output = name === undefined ? `${bin}/` : joinPath(bin, name);
  const argv = ['nice', '-n', '10', go, 'build', '-v', ...options, '-o', output, ...packages] as const;
  const onLine = trackPackages(total, report, deps.clock);
  await runCommand(deps, argv, { cwd: tree, env, timeoutMs: BUILD_TIMEOUT_MS, onLine });
}

async function copyDefinition(
  name: Parameters<typeof moduleDefinition>[0],
  work: HostPath,
  deps: LabDeps,
): Promise<HostPath> {
  const definition = moduleDefinition(name);
  const tree = joinPath(work, name);
  await deps.host.makeDirectory(tree, { mode: 0o700 });
  const files = DEFINITION_FILES.map((file) => joinPath(definition, file));
  await runCommand(deps, ['cp', ...files, tree]);
  return tree;
}

function goEnvironment(
  go: HostPath,
  store: HostPath,
  environment: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return {
    HOME: store,
    GOCACHE: joinPath(store, 'go-build'),
    ...environment,
    PATH: `${dirname(go)}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    CGO_ENABLED: '0',
    GOTOOLCHAIN: 'local',
    GOFLAGS: '',
    // Otherwise a go.work or a version control system around the cache directory would take part.
    GOWORK: 'off',
  };
}
