import { type HostPath, hostPath, joinPath, parentPath } from '@kube-rescue/host';
import { fileURLToPath } from 'node:url';
import type { LabDeps } from '../machine/lab-deps.ts';
import { type ImageRecipe, sharedLibraries } from '../kubernetes/images.ts';

/** The image of the lab's own programs. Each pod names its program as the command. */
export const PROGRAMS_IMAGE = 'kube-rescue.invalid/programs:1';

const IMAGE_NODE = hostPath('/usr/bin/node');
const IMAGE_DIRECTORY = hostPath('/usr/lib/kube-rescue');

/** The programs by their role. */
const PROGRAMS = {
  podCheckpointer: 'pod-checkpointer/main',
  flannel: 'flannel/main',
  clusterDns: 'cluster-dns/main',
  ingressController: 'ingress-controller/main',
  recordKeeper: 'record-keeper/main',
  webhooks: 'webhooks/main',
  fetch: 'fetch',
} as const;

export type ProgramName = keyof typeof PROGRAMS;

/** The tools that the programs run: containerd's client, flock(1), ip(8), iptables(8). */
const IPTABLES = hostPath('/usr/sbin/iptables');
const TOOLS = [hostPath('/usr/bin/ctr'), hostPath('/usr/bin/flock'), hostPath('/usr/sbin/ip'), IPTABLES];

/** The command of a container of {@link PROGRAMS_IMAGE}. */
export function programCommand(name: ProgramName, ...args: readonly string[]): readonly string[] {
  return [IMAGE_NODE, joinPath(IMAGE_DIRECTORY, `programs/${PROGRAMS[name]}${ownExtension()}`), ...args];
}

/** The argv of a program that runs on a node as a service, from this machine's files. */
export function hostProgram(name: ProgramName, ...args: readonly string[]): readonly string[] {
  return [process.execPath, joinPath(ownDirectory(), `${PROGRAMS[name]}${ownExtension()}`), ...args];
}

/** Where the record keeper finds the AWS SDK. */
export const MODULES_DIRECTORY = joinPath(IMAGE_DIRECTORY, 'node_modules');

/** The programs run from source by type stripping, or compiled. */
export async function programsRecipe(deps: LabDeps): Promise<ImageRecipe> {
  const node = hostPath(process.execPath);
  const libraries = await sharedLibraries([node, ...TOOLS], deps);
  const files = [...TOOLS, ...libraries, ...extensionsOfIptables(libraries)];
  return {
    reference: PROGRAMS_IMAGE,
    entrypoint: [IMAGE_NODE],
    files: {
      ...Object.fromEntries(files.map((path) => [path, path])),
      [IMAGE_NODE]: node,
      [joinPath(IMAGE_DIRECTORY, 'programs')]: ownDirectory(),
    },
    texts: {
      [joinPath(IMAGE_DIRECTORY, 'package.json')]: '{ "type": "module" }\n',
      // The name of the API server may be known only from the node's /etc/hosts.
      '/etc/nsswitch.conf': 'hosts: files dns\n',
    },
  };
}

/**
 * The CNI plugin `flannel` as a script for a node's plugin directory, for example `/opt/cni/bin/flannel` (0755).
 *
 * It uses the files of this machine, which must be visible on the node.
 *
 * @param runtime Node.js on the node; see `labRuntime`
 */
export function renderFlannelPlugin(runtime: string): string {
  const program = joinPath(ownDirectory(), `flannel/cni-plugin${ownExtension()}`);
  return `#!/bin/sh\nexec ${runtime} ${program} "$@"\n`;
}

function ownDirectory(): HostPath {
  return parentPath(hostPath(fileURLToPath(import.meta.url)));
}

function ownExtension(): string {
  return import.meta.url.endsWith('.ts') ? '.ts' : '.js';
}

/** iptables loads its extensions from a directory below /usr, beside its libraries. */
function extensionsOfIptables(libraries: readonly HostPath[]): readonly HostPath[] {
  const library = libraries.find((path) => path.includes('/libxtables.'));
  if (library === undefined) return [];
  const directory = joinPath(parentPath(library), 'xtables');
  return [directory.startsWith('/usr/') ? directory : hostPath(`/usr${directory}`)];
}
