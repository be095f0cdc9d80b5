import {
  assertKeepsQuorum,
  CONTROL_PLANE,
  findPod,
  isWorker,
  type Node,
  type NodeDescription,
  NodeError,
} from '@kube-rescue/node';
import { createRestartStep } from '@kube-rescue/static-manifests';
import type { Playbook } from '@kube-rescue/workflow';
import { findRestartableKubelet } from './restartable-kubelet.ts';

/** The last component waits for the others; a slow disk doubles the lab's time, an old machine doubles it again. */
export const RESTART_TIMEOUT_MS = 240_000;

/**
 * Restarts static pods through their manifests, all at once; each needs a new, healthy pod. Its phase throws NodeError `QUORUM_LOSS` before anything
 * is written when etcd would lose its majority meanwhile.
 */
export function createRestartPlaybook(opened: Node, options: { readonly names: readonly string[] }): Playbook {
  // Computed once, so that a resumed or repeated check finds its own restart.
  const value = opened.clock.now().toISOString();
  const restart = opened.phase({
    id: 'static-pods',
    title: 'Static pods',
    steps: async (node, description, signal) => {
      const pods = options.names.map((name) => {
        const pod = description.staticPods.pods.find((each) => each.component === name || each.name === name);
        if (pod === undefined) throw unknownPod(name, description);
        return pod;
      });
      if (pods.some(({ component }) => component === 'etcd')) await assertKeepsQuorum(node, signal);
      const chosen = [...new Set(pods)];
      const others = CONTROL_PLANE.map((component) => findPod(description, component))
        .filter((pod) => pod !== undefined)
        .filter((pod) => !chosen.includes(pod));
      const step = createRestartStep(
        {
          pods: chosen.map(({ component, manifest }) => ({ component, manifest: manifest.path })),
          others: others.map(({ manifest }) => manifest.path),
          value,
          timeoutMs: RESTART_TIMEOUT_MS,
          kubeletService: node.options.kubeletService,
          findKubelet: () => findRestartableKubelet(node),
        },
        node,
      );
      return [step];
    },
  });
  return { id: 'manifests-restart', title: 'Restart static pods', phases: [restart] };
}

function unknownPod(name: string, description: NodeDescription): NodeError {
  const { staticPods, checkpoints } = description;
  const isCheckpointed = checkpoints.checkpoints.some(({ component }) => component === name);
  const components = staticPods.pods.map(({ component }) => component);
  return new NodeError({
    code: 'MANIFEST_UNKNOWN',
    message: `no static pod named ${name}`,
    subject: staticPods.directory,
    hint: isCheckpointed
      ? 'its controller creates the pod and the pod checkpointer keeps it: use `kube-rescue manifests checkpoint`'
      : components.length === 0 && isWorker(description)
        ? 'this node is a worker: run this on a control-plane node'
        : `choose from ${components.join(', ') || 'none: the directory is empty'}`,
  });
}
