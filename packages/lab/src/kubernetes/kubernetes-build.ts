import { HostError, type HostLock, type HostPath, joinPath } from '@kube-rescue/host';
import { runCommand } from '../machine/command.ts';
import { fetchDebianSource } from '../machine/debian-source.ts';
import { provideDebianPackages } from '../machine/debian-packages.ts';
import { type LabDeps, secondsSince } from '../machine/lab-deps.ts';
import { LabError } from '../errors.ts';
import { KUBERNETES_BINARIES, KUBERNETES_VERSION } from './kubernetes-version.ts';

const BUILD_PACKAGES: readonly string[] = ['dpkg-dev', 'golang-go', 'golang-github-modern-go-reflect2-dev'];
/** Measured: 0.5 GB of source, 0.9 GB of compiler cache, 0.5 GB of binaries, and spare. */
const BUILD_BYTES = 2.5e9;
const BUILD_TIMEOUT_MS = 30 * 60_000;
const PROGRESS_INTERVAL_MS = 10_000;
const REFLECT2 = 'github.com/modern-go/reflect2';

/** The package paths for `go build`; all commands of Kubernetes are below cmd/. */
const TARGETS = KUBERNETES_BINARIES.map((name) => `./cmd/${name}`);

interface BuildLocation {
  readonly store: HostPath;
  /** The target directory of the binaries; it appears complete or not at all. */
  readonly directory: HostPath;
}

/** Builds the binaries in a temporary directory beside `directory`, renames it to `directory` and removes the rest. */
export async function buildKubernetes({ store, directory }: BuildLocation, deps: LabDeps): Promise<void> {
  const { host, clock } = deps;
  const startedAt = clock.now();
  const report = (message: string): void => {
    deps.onProgress?.({ phase: 'build', message: `${message} (${secondsSince(clock, startedAt)} s)` });
  };
  await host.makeDirectory(store, { mode: 0o755 });
  await assertSpace(store, deps);
  const lock = await lockBuild(store, deps);
  const work = joinPath(store, 'build');
  try {
    await removeTree(work, deps);
    report('installing the build dependencies');
    await provideDebianPackages(BUILD_PACKAGES, deps);
    await host.makeDirectory(work, { mode: 0o700 });
    report('fetching the source package');
    const source = await fetchDebianSource('kubernetes', work, deps);
    if (!source.includes(KUBERNETES_VERSION.slice(1))) throw wrongSource(source);
    const go = goEnvironment(work);
    const tree = await prepareTree(source, work, go, deps, report);
    await compile(tree, work, go, deps, report);
    await removeTree(directory, deps);
    await runCommand(deps, ['mv', '--no-target-directory', joinPath(work, 'bin'), directory]);
    report(`built Kubernetes ${KUBERNETES_VERSION} in ${directory}`);
  } catch (error) {
    if (error instanceof LabError && error.code === 'LAB_COMMAND_FAILED') throw buildFailed(error);
    throw error;
  } finally {
    await removeTree(work, { host });
    await lock.release();
  }
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
  report: (message: string) => void,
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
  tree: HostPath,
  work: HostPath,
  env: GoEnvironment,
  deps: LabDeps,
  report: (message: string) => void,
): Promise<void> {
  let compiled = 0;
  let reportedAt = deps.clock.now().getTime();
  // With -v the compiler prints each package when it starts on it.
  const onLine = (line: string): void => {
    compiled += 1;
    const now = deps.clock.now().getTime();
    if (now - reportedAt < PROGRESS_INTERVAL_MS) return;
    reportedAt = now;
    report(`compiled ${compiled} packages, now ${line.replace('k8s.io/kubernetes/', '')}`);
  };
  report(`compiling ${KUBERNETES_BINARIES.length} commands`);
  const bin = joinPath(work, 'bin');
  await deps.host.makeDirectory(bin, { mode: 0o755 });
  const argv = [
    'go',
    'build',
    '-v',
    '-ldflags',
    versionStamp(KUBERNETES_VERSION),
    '-o',
    `${bin}/`,
    ...TARGETS,
  ] as const;
  await runCommand(deps, argv, { cwd: tree, env, timeoutMs: BUILD_TIMEOUT_MS, onLine });
}

/** Linker flags that set the version of the binaries; kubeadm refuses to run without. */
export function versionStamp(version: string): string {
  const [major, minor] = version.slice(1).split('.');
  const values = { gitVersion: version, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' };
  const packages = ['component-base/version', 'client-go/pkg/version'];
  const stamps = packages.flatMap((name) =>
    Object.entries(values).map(([key, value]) => `-X k8s.io/kubernetes/vendor/k8s.io/${name}.${key}=${value}`),
  );
  return ['-s', '-w', ...stamps].join(' ');
}

async function lockBuild(store: HostPath, { host }: LabDeps): Promise<HostLock> {
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

async function assertSpace(store: HostPath, { host }: LabDeps): Promise<void> {
  const free = await host.freeBytes(store);
  if (free >= BUILD_BYTES) return;
  throw new LabError({
    code: 'LAB_NO_SPACE',
    message: `building Kubernetes needs ${BUILD_BYTES / 1e9} GB of disk space; ${(free / 1e9).toFixed(1)} GB are free`,
    subject: store,
    hint: 'free some space, or set XDG_CACHE_HOME to a directory on another disk',
  });
}

async function removeTree(directory: HostPath, deps: Pick<LabDeps, 'host'>): Promise<void> {
  await runCommand({ host: deps.host }, ['rm', '-rf', '--one-file-system', directory], { timeoutMs: 5 * 60_000 });
}

function wrongSource(source: HostPath): LabError {
  return new LabError({
    code: 'LAB_BUILD_FAILED',
    message: `the package sources of this machine do not offer Kubernetes ${KUBERNETES_VERSION}`,
    subject: source,
    hint: 'run the lab on Debian 12, or set KUBEBUILDER_ASSETS to a directory with the binaries',
  });
}

function buildFailed(cause: LabError): LabError {
  return new LabError({
    code: 'LAB_BUILD_FAILED',
    message: 'building the Kubernetes binaries failed',
    subject: KUBERNETES_VERSION,
    hint: 'see the cause, or set KUBEBUILDER_ASSETS to a directory with binaries that were built elsewhere',
    cause,
  });
}
