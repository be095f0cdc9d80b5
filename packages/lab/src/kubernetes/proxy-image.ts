import { type HostPath, hostPath } from '@kube-rescue/host';
import { runCommand } from '../machine/command.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import { componentImage, type ImageRecipe, sharedLibraries } from './images.ts';
import type { KubernetesRelease } from './kubernetes-release.ts';

const MULTI_CALL = hostPath('/usr/sbin/xtables-nft-multi');
const CONNTRACK = hostPath('/usr/sbin/conntrack');
const TABLE_COMMANDS = ['iptables', 'ip6tables'].flatMap((name) => [name, `${name}-save`, `${name}-restore`]);
/** Since 1.32 kube-proxy asks the kernel itself (pkg/proxy/conntrack). */
const OWN_CONNTRACK_SINCE = 32;

/** The image of kube-proxy: the component, and the programs that write its rules. */
export async function proxyImage(
  binaries: HostPath,
  release: Pick<KubernetesRelease, 'imageRepository' | 'version' | 'minor'>,
  deps: LabDeps,
): Promise<ImageRecipe> {
  const { stdout } = await runCommand(deps, ['sh', '-c', 'ls /usr/lib/*/xtables/*.so']);
  const extensions = stdout.trim().split('\n').map(hostPath);
  const tools = release.minor < OWN_CONNTRACK_SINCE ? [CONNTRACK] : [];
  // Without the mathematics that `statistic` needs, no rule is written once a Service has two endpoints.
  const libraries = await sharedLibraries([MULTI_CALL, ...tools, ...extensions], deps);
  const commands = TABLE_COMMANDS.map((name) => [`/usr/sbin/${name}`, MULTI_CALL] as const);
  const sameInImage = [...tools, ...libraries, ...extensions].map((path) => [path, path] as const);
  const proxy = componentImage('kube-proxy', binaries, release);
  return { ...proxy, files: { ...proxy.files, ...Object.fromEntries([...commands, ...sameInImage]) } };
}
