import { type Node, type NodeDescription, NodeError } from '@kube-rescue/node';
import { createRestartStep } from '@kube-rescue/static-manifests';
import type { Playbook } from '@kube-rescue/workflow';

/** The last to be healthy waits for the others; a slow disk doubles what the lab needs, and an old machine that again. */
export const RESTART_TIMEOUT_MS = 240_000;

/** Restarts static pods by their manifests, each proven by a new pod that is healthy. */
export function createRestartPlaybook(opened: Node, options: { readonly names: readonly string[] }): Playbook {
  // Taken once, so that a resumed or repeated check finds its own restart.
  const value = opened.clock.now().toISOString();
  const restart = opened.phase({
    id: 'static-pods',
    title: 'Static pods',
    steps: (node, description) =>
      options.names.map((name) => {
        const pod = description.staticPods.pods.find((each) => each.component === name || each.name === name);
        if (pod === undefined) throw unknownPod(name, description);
        const { component, manifest } = pod;
        const input = { component, manifest: manifest.path, value, timeoutMs: RESTART_TIMEOUT_MS };
        return createRestartStep(input, node);
      }),
  });
  return { id: 'manifests-restart', title: 'Restart static pods', phases: [restart] };
}

function unknownPod(name: string, { staticPods, checkpoints }: NodeDescription): NodeError {
  const isCheckpointed = checkpoints.checkpoints.some(({ component }) => component === name);
  const components = staticPods.pods.map(({ component }) => component);
  return new NodeError({
    code: 'MANIFEST_UNKNOWN',
    message: `no static pod is called ${name} here`,
    subject: staticPods.directory,
    hint: isCheckpointed
      ? 'the cluster makes it, and the pod checkpointer keeps it: see kube-rescue manifests checkpoint'
      : `choose from ${components.join(', ') || 'none: the directory is empty'}`,
  });
}
