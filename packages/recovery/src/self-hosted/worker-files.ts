import type { JoinFile } from '@kube-rescue/node-join';
import type { NodeDeps, NodeDescription } from '@kube-rescue/node';

const NEW_FILE_MODE = 0o600;

/**
 * The files that all nodes of a self-hosted cluster share: the kubelet's kubeconfig, and the CA of its clients. Read from this
 * node, so they are valid only after its recovery.
 */
export async function readWorkerFiles({ kubelet }: NodeDescription, { host }: NodeDeps): Promise<readonly JoinFile[]> {
  const paths = [kubelet.kubeconfig, kubelet.clientCaFile].filter((path) => path !== undefined);
  const files = await Promise.all(
    paths.map(async (path): Promise<readonly JoinFile[]> => {
      const content = await host.readFile(path);
      const stat = await host.stat(path);
      return content === undefined ? [] : [{ path, mode: stat?.mode ?? NEW_FILE_MODE, content }];
    }),
  );
  return files.flat();
}
