import { findPodStart, RESTART_ANNOTATION } from '@kube-rescue/static-manifests';
import { findPod, type Node } from '@kube-rescue/node';
import { inspectTokenKeysOfNode } from './token-rotation-input.ts';
import { SIGN_RESTART } from './token-restart.ts';

/**
 * From when on every new token is of the current key: the API server has started since the key file changed. Where the manifest still
 * has the mark of that restart, its time; otherwise the start of the running process, which may be later than the first one.
 *
 * @returns `undefined` when no process runs with the current key file
 */
export async function findSigningStart(node: Node): Promise<Date | undefined> {
  const { node: description, state } = await inspectTokenKeysOfNode(node);
  const pod = findPod(description, 'kube-apiserver');
  const changed = (await node.host.stat(state.files.signing))?.modifiedAt;
  const started = pod && (await findPodStart(pod, node));
  if (pod === undefined || changed === undefined || started === undefined || started < changed) return undefined;
  const isMarked = pod.annotations.get(RESTART_ANNOTATION)?.endsWith(`-${SIGN_RESTART}`) === true;
  const marked = isMarked ? pod.manifest.modifiedAt : undefined;
  return marked !== undefined && marked >= changed ? new Date(Math.min(marked.getTime(), started.getTime())) : started;
}
