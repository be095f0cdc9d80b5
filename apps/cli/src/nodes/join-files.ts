import { type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import type { JoinFile } from '@kube-rescue/node-join';
import { usageError } from '../envelope.ts';
import type { Session } from '../wiring.ts';

/** Shared by all nodes of Tectonic and similar clusters: one kubeconfig and its CA. */
const SHARED = ['kubeconfig', 'ca.crt'] as const;
const NEW_FILE_MODE = 0o600;

/**
 * Files for the workers: `PATH` is this node's file, `PATH=FILE` the content of a local FILE at PATH. Default: the shared
 * kubeconfig and its CA.
 * @throws CliError `USAGE` when a file is missing, or every kubelet of this cluster has its own kubeconfig
 */
export async function readJoinFiles(
  given: readonly string[] | undefined,
  session: Session,
): Promise<readonly JoinFile[]> {
  const { host, localFiles, node } = session;
  if (given === undefined) {
    const paths = SHARED.map((name) => joinPath(node.options.kubernetesDirectory, name));
    const files = await Promise.all(paths.map((path) => readOne(path, path, host)));
    if (files[0] === undefined) throw noSharedKubeconfig(paths[0] ?? node.options.kubernetesDirectory);
    return files.filter((file) => file !== undefined);
  }
  return Promise.all(
    given.map(async (text) => {
      const [, path = text, local] = /^([^=]+)=(.+)$/.exec(text) ?? [];
      const file =
        local === undefined
          ? await readOne(hostPath(path), hostPath(path), host)
          : await readOne(hostPath(path), localFiles.path(local), localFiles.host);
      if (file !== undefined) return file;
      throw usageError('file for the workers not found', local ?? path, 'check the path');
    }),
  );
}

async function readOne(
  path: HostPath,
  source: HostPath,
  files: Pick<Session['host'], 'readFile' | 'stat'>,
): Promise<JoinFile | undefined> {
  const content = await files.readFile(source);
  const stat = await files.stat(source);
  return content === undefined ? undefined : { path, mode: stat?.mode ?? NEW_FILE_MODE, content };
}

function noSharedKubeconfig(path: HostPath): Error {
  return usageError(
    'this node has no kubeconfig shared with its workers',
    path,
    'name the files with --file, for example --file /etc/kubernetes/kubelet.conf=./node02.conf',
  );
}
