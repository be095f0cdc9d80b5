import { type HostPath, joinPath } from '@kube-rescue/host';
import { COREDNS_VERSION, METRICS_SERVER_VERSION } from '../kubernetes/addon-binaries.ts';
import type { ImageRecipe } from '../kubernetes/images.ts';
import type { KubernetesRelease } from '../kubernetes/kubernetes-release.ts';
import { proxyImage } from '../kubernetes/proxy-image.ts';
import type { LabDeps } from '../machine/lab-deps.ts';

export const METRICS_SERVER_IMAGE = `registry.k8s.io/metrics-server/metrics-server:${METRICS_SERVER_VERSION}`;

/** Where the programs of a cluster with addons are. */
export interface AddonPrograms {
  readonly binaries: HostPath;
  readonly addons: HostPath;
  readonly release: KubernetesRelease;
}

/** The images of the addons: kube-proxy, CoreDNS and metrics-server, under the names that their manifests give them. */
export async function addonImages(
  { binaries, addons, release }: AddonPrograms,
  deps: LabDeps,
): Promise<readonly ImageRecipe[]> {
  return [
    await proxyImage(binaries, release, deps),
    {
      reference: `${release.imageRepository}/coredns/coredns:${COREDNS_VERSION}`,
      entrypoint: ['/coredns'],
      files: { '/coredns': joinPath(addons, 'coredns') },
    },
    {
      reference: METRICS_SERVER_IMAGE,
      entrypoint: ['/metrics-server'],
      files: { '/metrics-server': joinPath(addons, 'metrics-server') },
    },
  ];
}
