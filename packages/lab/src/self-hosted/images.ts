import { type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import { runCommand } from '../machine/command.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import { COMMON_IMAGES, componentImage, type ImageRecipe, packImages, sharedLibraries } from '../kubernetes/images.ts';
import { SELF_HOSTED_RELEASE } from '../kubernetes/kubernetes-release.ts';
import type { LabCluster } from '../cluster/lab-cluster.ts';
import { labDirectory } from '../machine/lab-directory.ts';
import { programsRecipe } from '../programs/images.ts';
import { runConcurrently } from '../machine/concurrency.ts';
import { CONTROL_PLANE } from './layout.ts';

const MULTI_CALL = hostPath('/usr/sbin/xtables-nft-multi');
const CONNTRACK = hostPath('/usr/sbin/conntrack');
const CONTROL_PLANE_COMPONENTS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
const TABLE_COMMANDS = ['iptables', 'ip6tables'].flatMap((name) => [name, `${name}-save`, `${name}-restore`]);

/** The image of kube-proxy: the component, and the programs that write its rules. */
async function proxyImage(binaries: HostPath, deps: LabDeps): Promise<ImageRecipe> {
  const { stdout } = await runCommand(deps, ['sh', '-c', 'ls /usr/lib/*/xtables/*.so']);
  const extensions = stdout.trim().split('\n').map(hostPath);
  // Without the mathematics that `statistic` needs, no rule is written once a Service has two endpoints.
  const libraries = await sharedLibraries([MULTI_CALL, CONNTRACK, ...extensions], deps);
  const commands = TABLE_COMMANDS.map((name) => [`/usr/sbin/${name}`, MULTI_CALL] as const);
  const sameInImage = [CONNTRACK, ...libraries, ...extensions].map((path) => [path, path] as const);
  const proxy = componentImage('kube-proxy', binaries, SELF_HOSTED_RELEASE);
  return { ...proxy, files: { ...proxy.files, ...Object.fromEntries([...commands, ...sameInImage]) } };
}

/** Builds every image of a cluster once, and loads into each node the images for its pods. */
export async function loadSelfHostedImages(cluster: LabCluster, deps: LabDeps): Promise<void> {
  const { binaries } = cluster;
  const everywhere = [...COMMON_IMAGES, ...(await Promise.all([proxyImage(binaries, deps), programsRecipe(deps)]))];
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
