import { type HostPath, joinPath } from '@kube-rescue/host';
import type { LabDeps } from '../cluster/deps.ts';
import { buildKubernetes } from './kubernetes-build.ts';
import { KUBERNETES_BINARIES, KUBERNETES_VERSION } from './kubernetes-version.ts';

export interface KubernetesBinariesInput {
  /** Where a person keeps the binaries (by convention the value of KUBEBUILDER_ASSETS); looked at first. */
  readonly assetsDirectory?: HostPath | undefined;
  /** The user's cache directory (XDG_CACHE_HOME); the binaries are kept in `kube-rescue/kubernetes/VERSION` below it. */
  readonly cacheDirectory: HostPath;
}

export interface KubernetesBinaries {
  /** Holds every name of {@link KUBERNETES_BINARIES}. */
  readonly folder: HostPath;
  readonly source: 'assets' | 'cache' | 'build';
}

/**
 * Finds the Kubernetes binaries that a lab cluster needs, or builds them from Debian's source package and keeps them.
 *
 * A build takes 3 to 8 minutes, 2.5 GB of disk while it lasts and 0.5 GB afterwards.
 *
 * @throws LabError `LAB_NO_SPACE` `LAB_BUSY` `LAB_BUILD_FAILED` `LAB_PACKAGES_MISSING` `LAB_PACKAGES_NOT_INSTALLED`
 */
export async function provideKubernetesBinaries(
  { assetsDirectory, cacheDirectory }: KubernetesBinariesInput,
  deps: LabDeps,
): Promise<KubernetesBinaries> {
  const tell = (message: string): void => deps.onProgress?.({ phase: 'binaries', message });
  if (assetsDirectory !== undefined) {
    const unfit = await whyUnfit(assetsDirectory, deps);
    if (unfit === undefined) return { folder: assetsDirectory, source: 'assets' };
    tell(`not using the binaries in ${assetsDirectory}: ${unfit}`);
  }
  const store = joinPath(cacheDirectory, 'kube-rescue', 'kubernetes');
  const folder = joinPath(store, KUBERNETES_VERSION);
  if ((await whyUnfit(folder, deps)) === undefined) return { folder, source: 'cache' };
  tell(`no Kubernetes ${KUBERNETES_VERSION} binaries found; building them once from Debian's source`);
  await buildKubernetes({ store, folder }, deps);
  return { folder, source: 'build' };
}

/** Why `folder` cannot serve a lab, or `undefined` when it can. */
async function whyUnfit(folder: HostPath, { host, signal }: LabDeps): Promise<string | undefined> {
  const found = new Set(await host.list(folder));
  const missing = KUBERNETES_BINARIES.filter((name) => !found.has(name));
  if (missing.length > 0) return `${missing.join(', ')} missing`;
  const kubeadm = joinPath(folder, 'kubeadm');
  const { stdout } = await host.exec([kubeadm, 'version', '--output=short'], { timeoutMs: 10_000, signal });
  return stdout.trim() === KUBERNETES_VERSION ? undefined : `kubeadm is ${stdout.trim()}, not ${KUBERNETES_VERSION}`;
}
