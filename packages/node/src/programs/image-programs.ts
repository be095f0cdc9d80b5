import { isRecoveryError, printable } from '@kube-rescue/errors';
import { type Host, type HostPath, hostPath, joinPath } from '@kube-rescue/host';

/** An image in the node's container runtime, and what is wanted of it. */
export interface ImagePrograms {
  /** As the manifest names it. */
  readonly image: string;
  /** Names of programs. */
  readonly names: readonly string[];
  /** Where the copies go (mode 0700), by the same names; exists. */
  readonly directory: HostPath;
  /** Where the image is mounted for a moment; created and removed. */
  readonly mountPoint: HostPath;
  /** `--container-runtime-endpoint` of the kubelet. Default: containerd's own. */
  readonly runtimeEndpoint?: string | undefined;
}

/** The programs that the image has, or why none could be read. */
export interface CopiedPrograms {
  readonly copied: ReadonlyMap<string, HostPath>;
  readonly problem: string | undefined;
}

type ImageHost = Pick<Host, 'exec' | 'makeDirectory' | 'stat'>;

const TIMEOUT_MS = 120_000;
const DEFAULT_ENDPOINT = '/run/containerd/containerd.sock';
/** Images of Kubernetes and etcd have their programs in the first one. */
const DIRECTORIES = ['usr/local/bin', 'usr/bin', 'bin', '.'];
const PRIVATE_DIRECTORY_MODE = 0o700;

/**
 * Copies programs out of an image of the node's containerd: mounts it read-only, copies, unmounts. Downloads nothing; the image has to
 * be on the node. CRI-O and Docker, which keep their images elsewhere, are not asked.
 *
 * The caller removes the directory. Programs that are linked with libraries of the image need the same libraries on the node.
 * @throws HostError
 */
export async function copyImagePrograms(
  wanted: ImagePrograms,
  { host }: { readonly host: ImageHost },
): Promise<CopiedPrograms> {
  const { image, names, directory, mountPoint } = wanted;
  const address = addressOf(wanted);
  // ctr waits ten seconds for a socket that does not exist.
  if ((await host.stat(address)) === undefined)
    return { copied: new Map(), problem: `containerd: no socket ${address}` };
  const images = ['ctr', `--address=${address}`, '--namespace=k8s.io', 'images'] as const;
  await host.makeDirectory(mountPoint, { mode: PRIVATE_DIRECTORY_MODE });
  const failure = await run([...images, 'mount', image, mountPoint], host);
  const copied = new Map<string, HostPath>();
  try {
    if (failure !== undefined) return { copied, problem: `the image ${image}: ${failure}` };
    for (const name of names) {
      const found = await findFile(name, mountPoint, host);
      if (found === undefined) continue;
      const target = joinPath(directory, name);
      const problem = await run(['install', '-m', '0700', '--', found, target], host);
      if (problem !== undefined) return { copied, problem };
      copied.set(name, target);
    }
    const missing = names.filter((name) => !copied.has(name));
    return { copied, problem: missing.length === 0 ? undefined : `the image ${image} has no ${missing.join(', ')}` };
  } finally {
    // With --rm the snapshot behind the mount goes as well, without the image.
    if (failure === undefined) await run([...images, 'unmount', '--rm', mountPoint], host);
    await run(['rmdir', '--', mountPoint], host);
  }
}

function addressOf({ runtimeEndpoint = '' }: ImagePrograms): HostPath {
  const path = runtimeEndpoint.replace(/^unix:\/\//, '');
  return hostPath(path.startsWith('/') ? path : DEFAULT_ENDPOINT);
}

/** A link would lead out of the image. */
async function findFile(name: string, root: HostPath, host: ImageHost): Promise<HostPath | undefined> {
  for (const directory of DIRECTORIES) {
    const path = joinPath(root, directory, name);
    if ((await host.stat(path))?.kind === 'file') return path;
  }
  return undefined;
}

/** Why it failed; `undefined` on success. */
async function run(argv: readonly [string, ...string[]], host: ImageHost): Promise<string | undefined> {
  try {
    const { exitCode, stdout, stderr } = await host.exec(argv, { timeoutMs: TIMEOUT_MS });
    if (exitCode === 0) return undefined;
    const lines = `${stdout}\n${stderr}`.trim().split('\n');
    return `${argv[0]}: ${printable(lines.at(-1) ?? '').slice(0, 200)}`;
  } catch (error) {
    if (isRecoveryError(error, 'HOST_EXEC_NOT_FOUND', 'HOST_EXEC_TIMEOUT')) return `${argv[0]}: ${error.message}`;
    throw error;
  }
}
