import { assertTrusted, type HostPath, joinPath } from '@kube-rescue/host';
import type { LabDeps } from '../machine/lab-deps.ts';
import { recordSums, whyCacheUnfit, whyUnfit } from './binaries-fitness.ts';
import { obtainBinaries } from './binary-store.ts';
import { type AddonProgram, goAddons } from './go-module-build.ts';
import { installGo } from './go-toolchain.ts';
import type { KubernetesBinariesInput } from './kubernetes-binaries.ts';

export const COREDNS_VERSION = 'v1.15.0';
export const METRICS_SERVER_VERSION = 'v0.9.0';

const PROGRAMS: readonly AddonProgram[] = [
  { name: 'coredns', version: COREDNS_VERSION, package: 'github.com/coredns/coredns' },
  { name: 'metrics-server', version: METRICS_SERVER_VERSION, package: 'sigs.k8s.io/metrics-server/cmd/metrics-server' },
];
/** What their go.mod asks for. */
const OLDEST_GO = '1.26';
const WHAT = {
  name: `CoreDNS ${COREDNS_VERSION} with metrics-server ${METRICS_SERVER_VERSION}`,
  install: installGo(OLDEST_GO),
  otherwise: 'rehearse a scenario that needs no addons',
};

/**
 * Finds the programs of a cluster's addons in the cache, or builds them once from Go modules: CoreDNS and metrics-server. Takes
 * 5 minutes on two cores and 3 GB of disk while it lasts; 0.2 GB stay.
 *
 * @returns the directory with the programs
 * @throws HostError `SOURCE_UNTRUSTED`; LabError `LAB_NO_SPACE` `LAB_BUSY` `LAB_BUILD_FAILED` `LAB_KUBERNETES_MISSING`
 */
export async function provideAddonBinaries(
  { cacheDirectory, downloadEnvironment = {} }: Pick<KubernetesBinariesInput, 'cacheDirectory' | 'downloadEnvironment'>,
  deps: LabDeps,
): Promise<HostPath> {
  const store = joinPath(cacheDirectory, 'kube-rescue', 'addons');
  const directory = joinPath(store, PROGRAMS.map(({ name, version }) => `${name}-${version}`).join('_'));
  await assertTrusted(directory, deps, { allowSticky: true });
  const isCached = (await deps.host.stat(directory)) !== undefined;
  const unfit = await whyCacheUnfit(directory, PROGRAMS, deps);
  if (unfit === undefined) return directory;
  const report = (message: string): void => deps.onProgress?.({ phase: 'binaries', message });
  if (isCached) report(`the cached binaries in ${directory} are unusable and are replaced: ${unfit}`);
  report(`${WHAT.name} are not on this machine yet; they are cached after a build (5 minutes on two cores)`);
  const accept = async (result: HostPath): Promise<string | undefined> => {
    const reason = await whyUnfit(result, PROGRAMS, deps);
    if (reason === undefined) await recordSums(result, PROGRAMS, deps);
    return reason;
  };
  const sources = [goAddons(PROGRAMS, OLDEST_GO, store, downloadEnvironment)];
  await obtainBinaries({ what: WHAT, store, directory, sources, accept }, deps);
  return directory;
}
