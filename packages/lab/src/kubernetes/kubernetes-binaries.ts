import { assertTrusted, type HostPath, joinPath } from '@kube-rescue/host';
import type { LabDeps } from '../machine/lab-deps.ts';
import { recordSums, whyCacheUnfit, whyUnfit } from './binaries-fitness.ts';
import { type BinarySource, type Obtainable, obtainBinaries } from './binary-store.ts';
import { debianSource } from './debian-source-build.ts';
import { goModules } from './go-module-build.ts';
import { installGo } from './go-toolchain.ts';
import { type KubernetesRelease, wantedPrograms } from './kubernetes-release.ts';
import { officialRelease, type ReleaseUrls } from './official-release.ts';

export interface KubernetesBinariesInput {
  readonly release: KubernetesRelease;
  /** A directory with existing binaries (by convention the value of KUBEBUILDER_ASSETS); tried first. */
  readonly assetsDirectory?: HostPath | undefined;
  /** The user's cache directory (XDG_CACHE_HOME); the binaries are stored in `kube-rescue/kubernetes/VERSION` below it. */
  readonly cacheDirectory: HostPath;
  readonly releaseUrls?: ReleaseUrls | undefined;
  /** Variables for the programs that download: `HOME`, proxies, `GOPROXY`. Default: none. */
  readonly downloadEnvironment?: Readonly<Record<string, string>> | undefined;
}

type Source = 'official-release' | 'go-modules' | 'debian-source';

export interface KubernetesBinaries {
  /** Contains every program of the release; see `programsOf`. */
  readonly directory: HostPath;
  readonly source: 'assets' | 'cache' | Source;
}

/**
 * Finds the binaries of a release for a lab cluster, or obtains them once and caches them: from the official release, else
 * built from Go modules (1.37 and 1.34: 13 minutes on two cores, 6.5 GB of disk while it lasts) or from Debian's source package
 * (1.20: 3 to 8 minutes, 2.5 GB).
 *
 * Root runs the binaries, so other users must not be able to write them: untrusted assets are passed over, an untrusted cache is
 * refused. A damaged cache is reported and replaced.
 * @throws HostError `SOURCE_UNTRUSTED`; LabError `LAB_NO_SPACE` `LAB_BUSY` `LAB_BUILD_FAILED` `LAB_KUBERNETES_MISSING`
 * `LAB_PACKAGES_MISSING` `LAB_PACKAGES_NOT_INSTALLED`
 */
export async function provideKubernetesBinaries(
  input: KubernetesBinariesInput,
  deps: LabDeps,
): Promise<KubernetesBinaries> {
  const { release, assetsDirectory, cacheDirectory } = input;
  const wanted = wantedPrograms(release);
  const report = (message: string): void => deps.onProgress?.({ phase: 'binaries', message });
  if (assetsDirectory !== undefined) {
    const unfit = await whyUnfit(assetsDirectory, wanted, deps);
    if (unfit === undefined) return { directory: assetsDirectory, source: 'assets' };
    report(`ignoring the binaries in ${assetsDirectory}: ${unfit}`);
  }
  const store = joinPath(cacheDirectory, 'kube-rescue', 'kubernetes');
  const directory = joinPath(store, release.version);
  await assertTrusted(directory, deps, { allowSticky: true });
  const isCached = (await deps.host.stat(directory)) !== undefined;
  const unfit = await whyCacheUnfit(directory, wanted, deps);
  if (unfit === undefined) return { directory, source: 'cache' };
  if (isCached) report(`the cached binaries in ${directory} are unusable and are replaced: ${unfit}`);
  report(firstRun(release));
  const accept = async (result: HostPath): Promise<string | undefined> => {
    const reason = await whyUnfit(result, wanted, deps);
    if (reason === undefined) await recordSums(result, wanted, deps);
    return reason;
  };
  const sources = sourcesOf(input, store);
  const source = await obtainBinaries({ what: describe(release), store, directory, sources, accept }, deps);
  return { directory, source };
}

function describe({ version, go }: KubernetesRelease): Obtainable {
  return {
    name: `Kubernetes ${version}`,
    install: go === undefined ? 'run the lab on Debian 12' : installGo(go),
    otherwise: 'set KUBEBUILDER_ASSETS to a directory with its programs',
  };
}

/** Says what the first run costs. */
function firstRun({ version, go }: KubernetesRelease): string {
  const build =
    go === undefined
      ? "a build from Debian's source (3 to 8 minutes on two cores)"
      : `a build from Go modules with Go ${go} or later (13 minutes on two cores)`;
  return `Kubernetes ${version} is not on this machine yet; it is cached after a download (0.5 GB) or ${build}`;
}

function sourcesOf(
  { release, releaseUrls = {}, downloadEnvironment = {} }: KubernetesBinariesInput,
  store: HostPath,
): readonly BinarySource<Source>[] {
  const build = release.go === undefined ? debianSource(release) : goModules(release, store, downloadEnvironment);
  return [officialRelease(release, releaseUrls, downloadEnvironment), build];
}
