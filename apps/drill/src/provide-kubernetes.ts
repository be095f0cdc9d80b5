import { isRecoveryError } from '@kube-rescue/errors';
import type { KubernetesBinaries, KubernetesRelease } from '@kube-rescue/lab';
import type { Kubernetes, Versions } from './scenarios.ts';

/**
 * Provides the first of `versions` that can be obtained on this machine. A version that no source has is reported, with what to
 * install for it; any other failure ends the search.
 */
export async function provideFirst(
  versions: Versions,
  releaseOf: (version: Kubernetes) => KubernetesRelease,
  provide: (release: KubernetesRelease) => Promise<KubernetesBinaries>,
  report: (message: string) => void,
): Promise<KubernetesBinaries & { readonly release: KubernetesRelease }> {
  const [version, next, ...others] = versions;
  const release = releaseOf(version);
  try {
    return { ...(await provide(release)), release };
  } catch (error) {
    const isMissing = isRecoveryError(error) && error.code === 'LAB_KUBERNETES_MISSING';
    if (!isMissing || next === undefined) throw error;
    report(`WARNING: ${error.message}`);
    report(`WARNING: rehearsing on Kubernetes ${next} instead; for ${version}: ${error.hint ?? ''}`);
    return provideFirst([next, ...others], releaseOf, provide, report);
  }
}
