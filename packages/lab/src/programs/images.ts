import { type HostPath, hostPath, joinPath, parentPath } from '@kube-rescue/host';
import { fileURLToPath } from 'node:url';
import type { LabDeps } from '../cluster/deps.ts';
import { type ImageRecipe, sharedLibraries } from '../kubernetes/images.ts';

/** The image of the programs that the lab wrote itself. Each pod names its program as the command. */
export const PROGRAMS_IMAGE = 'kube-rescue.invalid/programs:1';

const IMAGE_NODE = hostPath('/usr/bin/node');
const IMAGE_FOLDER = hostPath('/usr/lib/kube-rescue');

/** The programs by what they play. */
const PROGRAMS = {
  podCheckpointer: 'pod-checkpointer/main',
  flannel: 'flannel/main',
  clusterDns: 'cluster-dns/main',
  ingressController: 'ingress-controller/main',
  recordKeeper: 'record-keeper/main',
  fetch: 'fetch',
} as const;

export type ProgramName = keyof typeof PROGRAMS;

/** What the programs run themselves: containerd's client, flock(1), ip(8), iptables(8). */
const IPTABLES = hostPath('/usr/sbin/iptables');
const TOOLS = [hostPath('/usr/bin/ctr'), hostPath('/usr/bin/flock'), hostPath('/usr/sbin/ip'), IPTABLES];

/** The command of a container of {@link PROGRAMS_IMAGE}. */
export function programCommand(name: ProgramName, ...args: readonly string[]): readonly string[] {
  return [IMAGE_NODE, joinPath(IMAGE_FOLDER, `programs/${PROGRAMS[name]}${ownExtension()}`), ...args];
}

/** Where the record keeper looks for the AWS SDK. */
export const MODULES_FOLDER = joinPath(IMAGE_FOLDER, 'node_modules');

/** The programs run as they are found: sources by type stripping, or what was compiled of them. */
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
      [joinPath(IMAGE_FOLDER, 'programs')]: ownFolder(),
    },
    texts: {
      [joinPath(IMAGE_FOLDER, 'package.json')]: '{ "type": "module" }\n',
      // The address of the API server may be a name that only the node's own /etc/hosts tells.
      '/etc/nsswitch.conf': 'hosts: files dns\n',
    },
  };
}

/**
 * The CNI plugin `flannel` as a script for the folder of plugins of a node, for example `/opt/cni/bin/flannel` (0755).
 *
 * It runs on this machine's own Node and files, so the node must see them.
 */
export function renderFlannelPlugin(): string {
  const program = joinPath(ownFolder(), `flannel/cni-plugin${ownExtension()}`);
  return `#!/bin/sh\nexec ${process.execPath} ${program} "$@"\n`;
}

function ownFolder(): HostPath {
  return parentPath(hostPath(fileURLToPath(import.meta.url)));
}

function ownExtension(): string {
  return import.meta.url.endsWith('.ts') ? '.ts' : '.js';
}

/** iptables loads what understands its rules from a folder below /usr, beside its libraries. */
function extensionsOfIptables(libraries: readonly HostPath[]): readonly HostPath[] {
  const library = libraries.find((path) => path.includes('/libxtables.'));
  if (library === undefined) return [];
  const folder = joinPath(parentPath(library), 'xtables');
  return [folder.startsWith('/usr/') ? folder : hostPath(`/usr${folder}`)];
}
