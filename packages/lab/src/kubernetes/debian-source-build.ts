import { type HostPath, joinPath } from '@kube-rescue/host';
import { runCommand } from '../machine/command.ts';
import { fetchDebianSource } from '../machine/debian-source.ts';
import { provideDebianPackages } from '../machine/debian-packages.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import { type BinarySource, type Report, removeTree } from './binary-store.ts';
import { trackPackages } from './build-progress.ts';
import { KUBERNETES_BINARIES, type KubernetesRelease } from './kubernetes-release.ts';
import { versionStamp } from './version-stamp.ts';

const BUILD_PACKAGES: readonly string[] = ['dpkg-dev', 'golang-go', 'golang-github-modern-go-reflect2-dev'];
/** Measured: 0.5 GB of source, 0.9 GB of compiler cache, 0.5 GB of binaries, and spare. */
const BYTES = 2.5e9;
const BUILD_TIMEOUT_MS = 30 * 60_000;
const REFLECT2 = 'github.com/modern-go/reflect2';

/** The package paths for `go build`; all commands of Kubernetes are below cmd/. */
const TARGETS = KUBERNETES_BINARIES.map((name) => `./cmd/${name}`);

/** Builds a release from Debian's source package, with Debian's Go. */
export function debianSource({ version }: KubernetesRelease): BinarySource<'debian-source'> {
  return {
    name: 'debian-source',
    bytes: BYTES,
    obtain: async (work, report, deps) => {
      report('installing the build dependencies');
      await provideDebianPackages(BUILD_PACKAGES, deps);
      report('fetching the source package');
      const source = await fetchDebianSource('kubernetes', work, deps);
      if (!source.includes(version.slice(1))) return `the package sources of this machine do not offer ${version}`;
      const env = goEnvironment(work);
      const tree = await prepareTree(source, work, env, deps, report);
      await compile({ tree, work, env, version }, deps, report);
      return undefined;
    },
  };
}

type GoEnvironment = Readonly<Record<string, string>>;

function goEnvironment(work: HostPath): GoEnvironment {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: work,
    TMPDIR: work,
    GOPATH: joinPath(work, 'gopath'),
    GOCACHE: joinPath(work, 'gocache'),
    // Module mode refuses Debian's tree: go.mod needs updating.
    GO111MODULE: 'off',
    CGO_ENABLED: '0',
  };
}

/** Prepares the source tree for Debian's Go. Returns its path in the GOPATH. */
async function prepareTree(
  source: HostPath,
  work: HostPath,
  env: GoEnvironment,
  deps: LabDeps,
  report: Report,
): Promise<HostPath> {
  const group = joinPath(work, 'gopath', 'src', 'k8s.io');
  const tree = joinPath(group, 'kubernetes');
  await deps.host.makeDirectory(group, { mode: 0o755 });
  // Not a link: Go locates a package in the GOPATH by its real path.
  await runCommand(deps, ['mv', source, tree]);
  // The vendored reflect2 is too old for Go 1.18 and later: kubectl and kubeadm would crash while they iterate over maps.
  const vendored = joinPath(tree, 'vendor', REFLECT2);
  await removeTree(vendored, deps);
  await runCommand(deps, ['cp', '-rL', `/usr/share/gocode/src/${REFLECT2}`, vendored]);

  report('generating the OpenAPI definitions');
  const generator = joinPath(work, 'openapi-gen');
  const options = { cwd: tree, env, timeoutMs: BUILD_TIMEOUT_MS };
  await runCommand(deps, ['go', 'build', '-o', generator, './vendor/k8s.io/kube-openapi/cmd/openapi-gen'], options);
  const marked = await runCommand(
    deps,
    ['grep', '-rl', '--include=*.go', '+k8s:openapi-gen=', 'pkg', 'cmd', 'plugin', 'staging/src'],
    options,
  );
  const argv = [
    generator,
    '--input-dirs',
    openApiPackages(marked.stdout).join(','),
    '--output-package=k8s.io/kubernetes/pkg/generated/openapi',
    '--output-file-base=zz_generated.openapi',
    '--go-header-file=vendor/k8s.io/code-generator/hack/boilerplate.go.txt',
    `--report-filename=${joinPath(work, 'violations')}`,
  ] as const;
  await runCommand(deps, argv, options);
  return tree;
}

/**
 * The Go packages that kube-apiserver's OpenAPI definitions are generated from.
 *
 * @param listing paths of files with the marker `+k8s:openapi-gen=`, one on each line, relative to the source tree
 */
export function openApiPackages(listing: string): readonly string[] {
  const foreign = /_test\.go$|zz_generated|\/sample-|\/code-generator\//;
  const directories = listing
    .split('\n')
    .filter((file) => file !== '' && !foreign.test(file))
    .map((file) => file.slice(0, file.lastIndexOf('/')).replace(/^staging\/src\//, 'vendor/'));
  return [...new Set(directories)].toSorted().map((directory) => `k8s.io/kubernetes/${directory}`);
}

async function compile(
  { tree, work, env, version }: { tree: HostPath; work: HostPath; env: GoEnvironment; version: string },
  deps: LabDeps,
  report: Report,
): Promise<void> {
  report(`compiling ${KUBERNETES_BINARIES.length} commands`);
  const flags = versionStamp(version, 'k8s.io/kubernetes/vendor/');
  const listing = await runCommand(deps, ['go', 'list', '-deps', ...TARGETS], {
    cwd: tree,
    env,
    timeoutMs: 5 * 60_000,
  });
  const total = listing.stdout.split('\n').length - 1;
  const argv = [
    'nice',
    '-n',
    '10',
    'go',
    'build',
    '-v',
    '-ldflags',
    flags,
    '-o',
    `${joinPath(work, 'bin')}/`,
    ...TARGETS,
  ] as const;
  const track = trackPackages(total, report, deps.clock);
  const onLine = (line: string): void => track(line.replace('k8s.io/kubernetes/', ''));
  await runCommand(deps, argv, { cwd: tree, env, timeoutMs: BUILD_TIMEOUT_MS, onLine });
}
