import type { TokenKeyStageName } from '@kube-rescue/cert-rotation/token-keys';
import { createControlPlaneRestartStep, findPodStaleness, type RestartNeed } from '@kube-rescue/static-manifests';
import type { Step, StepId } from '@kube-rescue/workflow';
import { findPod, type Node } from '@kube-rescue/node';
import { findRestartableKubelet } from '../kubeadm/restartable-kubelet.ts';
import { inspectTokenKeysOfNode, isTokenStageDue, type TokenRotationInput } from './token-rotation-input.ts';

const TIMEOUT_MS = 240_000;

/**
 * The flags whose files a component reads at its start, and at no other time (Kubernetes `pkg/controlplane/apiserver/options/options.go`,
 * `pkg/kubeapiserver/options/authentication.go`, `cmd/kube-controller-manager/app/controllermanager.go`).
 */
const API_SERVER = ['service-account-key-file', 'service-account-signing-key-file'];
const CONTROLLERS = ['service-account-private-key-file'];
const READ_AT_START: Readonly<Record<TokenKeyStageName, Readonly<Record<string, readonly string[]>>>> = {
  publish: { 'kube-apiserver': API_SERVER },
  sign: { 'kube-apiserver': API_SERVER, 'kube-controller-manager': CONTROLLERS },
  drop: { 'kube-apiserver': API_SERVER },
};

/** The restarts of the sign stage: from then on no token is signed by the old key. */
export const SIGN_RESTART = 'sign';

/** Restarts the components that read the keys of a stage. */
export function createTokenRestartStep(
  stage: TokenKeyStageName,
  { id, requires }: { readonly id: StepId; readonly requires: readonly StepId[] },
  input: TokenRotationInput,
  node: Node,
): Step {
  return createControlPlaneRestartStep(
    {
      id,
      requires,
      findNeeds: async () => ({ pods: await findNeeds(stage, input, node), kubelet: undefined }),
      kubeletService: node.options.kubeletService,
      findKubelet: () => findRestartableKubelet(node),
      value: `${node.clock.now().toISOString()}-${stage}`,
      timeoutMs: TIMEOUT_MS,
    },
    node,
  );
}

async function findNeeds(
  stage: TokenKeyStageName,
  input: TokenRotationInput,
  node: Node,
): Promise<readonly RestartNeed[]> {
  const { node: description, state } = await inspectTokenKeysOfNode(node);
  const isDue = isTokenStageDue(stage, state.stage, input);
  if (state.stage === 'settled' && !isDue && stage !== 'drop') return [];
  const needs: RestartNeed[] = [];
  for (const [component, names] of Object.entries(READ_AT_START[stage])) {
    const pod = findPod(description, component);
    const flags = description.components.find((each) => each.component === component)?.flags;
    if (pod === undefined || flags === undefined) continue;
    const read = new Map(names.map((name) => [name, flags.get(name) ?? '']));
    const reason = isDue
      ? `${component} reads keys of service account tokens at its start that this stage changes`
      : await findPodStaleness({ pod, flags: { flags: read } }, node);
    needs.push({ pod, reason });
  }
  return needs;
}
