import { assertTrusted, findForeignWriter, type HostPath, joinPath } from '@kube-rescue/host';
import type { LabDeps } from '../machine/lab-deps.ts';
import { buildKubernetes } from './kubernetes-build.ts';
import { KUBERNETES_BINARIES, KUBERNETES_VERSION } from './kubernetes-version.ts';

export interface KubernetesBinariesInput {
  /** A directory with existing binaries (by convention the value of KUBEBUILDER_ASSETS); tried first. */
  readonly assetsDirectory?: HostPath | undefined;
  /** The user's cache directory (XDG_CACHE_HOME); the binaries are stored in `kube-rescue/kubernetes/VERSION` below it. */
  readonly cacheDirectory: HostPath;
}

export interface KubernetesBinaries {
  /** Contains every name of {@link KUBERNETES_BINARIES}. */
  readonly directory: HostPath;
  readonly source: 'assets' | 'cache' | 'build';
}

/**
 * Finds the Kubernetes binaries for a lab cluster, or builds them once from Debian's source package and caches them.
 *
 * A build takes 3 to 8 minutes, 2.5 GB of disk while it lasts and 0.5 GB afterwards.
 *
 * Root runs the binaries, so other users must not be able to write them: untrusted assets are passed over, an untrusted cache is
 * refused.
 * @throws HostError `SOURCE_UNTRUSTED`; LabError `LAB_NO_SPACE` `LAB_BUSY` `LAB_BUILD_FAILED` `LAB_PACKAGES_MISSING` `LAB_PACKAGES_NOT_INSTALLED`
 */
export async function provideKubernetesBinaries(
  { assetsDirectory, cacheDirectory }: KubernetesBinariesInput,
  deps: LabDeps,
): Promise<KubernetesBinaries> {
  const report = (message: string): void => deps.onProgress?.({ phase: 'binaries', message });
  if (assetsDirectory !== undefined) {
    const unfit = await whyUnfit(assetsDirectory, deps);
    if (unfit === undefined) return { directory: assetsDirectory, source: 'assets' };
    report(`ignoring the binaries in ${assetsDirectory}: ${unfit}`);
  }
  const store = joinPath(cacheDirectory, 'kube-rescue', 'kubernetes');
  const directory = joinPath(store, KUBERNETES_VERSION);
  await assertTrusted(directory, deps, { allowSticky: true });
  if ((await whyUnfit(directory, deps)) === undefined) return { directory, source: 'cache' };
  report(`no Kubernetes ${KUBERNETES_VERSION} binaries found; building them once from Debian's source`);
  await buildKubernetes({ store, directory }, deps);
  return { directory, source: 'build' };
}

/** The reason why the binaries in `directory` cannot be used, or `undefined`. */
async function whyUnfit(directory: HostPath, { host, signal }: LabDeps): Promise<string | undefined> {
  const found = new Set(await host.list(directory));
  const missing = KUBERNETES_BINARIES.filter((name) => !found.has(name));
  if (missing.length > 0) return `${missing.join(', ')} missing`;
  for (const name of KUBERNETES_BINARIES) {
    const writer = await findForeignWriter(joinPath(directory, name), { host }, { allowSticky: true });
    if (writer !== undefined) return `${writer.path} is not trusted: ${writer.reason}; to correct it: ${writer.fix}`;
  }
  const kubeadm = joinPath(directory, 'kubeadm');
  const { stdout } = await host.exec([kubeadm, 'version', '--output=short'], { timeoutMs: 10_000, signal });
  return stdout.trim() === KUBERNETES_VERSION ? undefined : `kubeadm is ${stdout.trim()}, not ${KUBERNETES_VERSION}`;
}
