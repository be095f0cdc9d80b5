import { joinPath } from '@kube-rescue/host';
import type { LabDeps } from '../machine/lab-deps.ts';
import { COMMON_IMAGES, componentImage, packImages } from '../kubernetes/images.ts';
import { SELF_HOSTED_RELEASE } from '../kubernetes/kubernetes-release.ts';
import type { LabCluster } from '../cluster/lab-cluster.ts';
import { labDirectory } from '../machine/lab-directory.ts';
import { proxyImage } from '../kubernetes/proxy-image.ts';
import { programsRecipe } from '../programs/images.ts';
import { runConcurrently } from '../machine/concurrency.ts';
import { CONTROL_PLANE } from './layout.ts';

const CONTROL_PLANE_COMPONENTS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];

/** Builds every image of a cluster once, and loads into each node the images for its pods. */
export async function loadSelfHostedImages(cluster: LabCluster, deps: LabDeps): Promise<void> {
  const { binaries } = cluster;
  const everywhere = [
    ...COMMON_IMAGES,
    ...(await Promise.all([proxyImage(binaries, SELF_HOSTED_RELEASE, deps), programsRecipe(deps)])),
  ];
  const components = CONTROL_PLANE_COMPONENTS.map((name) => componentImage(name, binaries, SELF_HOSTED_RELEASE));
  const images = await packImages([...everywhere, ...components], joinPath(labDirectory(cluster.id), 'images'), deps);
  await runConcurrently(
    deps,
    cluster.nodes.map(({ node }) => (each) => {
      const recipes = node.name === CONTROL_PLANE.name ? [...everywhere, ...components] : everywhere;
      return images.load(
        node,
        recipes.map(({ reference }) => reference),
        each,
      );
    }),
  );
  await images.discard(deps);
}
