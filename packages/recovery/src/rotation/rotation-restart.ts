import type { CaId, RotationState } from '@kube-rescue/cert-rotation';
import { baseName } from '@kube-rescue/host';
import {
  createControlPlaneRestartStep,
  findKubeletStaleness,
  findPodStaleness,
  type FlagEdit,
  type RestartNeed,
} from '@kube-rescue/static-manifests';
import type { StaticPod } from '@kube-rescue/node-config';
import type { Step, StepId } from '@kube-rescue/workflow';
import { findPod, type Node } from '@kube-rescue/node';
import { isStageDue, inspectRotationOfNode, type RotationInput, type RotationStageName } from './rotation-input.ts';

type ReadAtStart = Readonly<Record<string, readonly string[]>>;

const KUBECONFIGS: ReadAtStart = {
  'kube-controller-manager': ['kubeconfig', 'root-ca-file'],
  'kube-scheduler': ['kubeconfig'],
};
const ETCD: ReadAtStart = {
  etcd: ['trusted-ca-file', 'peer-trusted-ca-file'],
  'kube-apiserver': ['etcd-cafile'],
};

/**
 * The flags whose files a component reads only at its start. It reloads all other files of a rotation: the API server and the
 * kubelet reload their client CA once a minute, the API server also its serving pair and its front proxy pair (k8s.io/apiserver
 * `dynamiccertificates`), and etcd reads its pairs at each handshake (`client/pkg/transport`). So the API server restarts for
 * another etcd CA only.
 */
const READ_AT_START: Readonly<Record<CaId, Readonly<Record<RotationStageName, ReadAtStart>>>> = {
  cluster: { trust: KUBECONFIGS, issue: KUBECONFIGS, drop: KUBECONFIGS },
  etcd: { trust: ETCD, issue: {}, drop: ETCD },
  'etcd-peer': { trust: ETCD, issue: {}, drop: ETCD },
  'front-proxy': { trust: {}, issue: {}, drop: {} },
};

const SIGNING_FLAG = 'cluster-signing-cert-file';
const TIMEOUT_MS = 240_000;

/** Restarts the components that read changed files only at their start, and sets the signing file of kube-controller-manager. */
export function createRotationRestartStep(
  stage: RotationStageName,
  { id, requires }: { readonly id: StepId; readonly requires: readonly StepId[] },
  input: RotationInput,
  node: Node,
): Step {
  return createControlPlaneRestartStep(
    {
      id,
      requires,
      findNeeds: () => findNeeds(stage, input, node),
      kubeletService: node.options.kubeletService,
      value: `${node.clock.now().toISOString()}-${stage}`,
      timeoutMs: TIMEOUT_MS,
    },
    node,
  );
}

async function findNeeds(
  stage: RotationStageName,
  input: RotationInput,
  node: Node,
): Promise<{ readonly pods: readonly RestartNeed[]; readonly kubelet: string | undefined }> {
  const { node: description, state } = await inspectRotationOfNode(input, node);
  const isDue = isStageDue(stage, state.stage, input);
  const isIdle = state.stage === 'settled' && !isDue && stage !== 'drop';
  if (isIdle) return { pods: [], kubelet: undefined };
  const pods: RestartNeed[] = [];
  for (const [component, names] of Object.entries(READ_AT_START[input.ca][stage])) {
    const pod = findPod(description, component);
    const flags = description.components.find((each) => each.component === component)?.flags;
    if (pod === undefined || flags === undefined) continue;
    const read = new Map(names.map((name) => [name, flags.get(name) ?? '']));
    const edit = component === 'kube-controller-manager' ? findSigningEdit(stage, pod, state) : undefined;
    const reason =
      edit !== undefined
        ? `${component} must sign with ${edit.after}`
        : isDue
          ? `${component} reads files at its start that this stage changes`
          : await findPodStaleness({ pod, flags: { flags: read } }, node);
    pods.push({ pod, reason, flags: edit === undefined ? [] : [edit] });
  }
  if (input.ca !== 'cluster') return { pods, kubelet: undefined };
  const due = isDue ? 'the kubelet reads files at its start that this stage changes' : undefined;
  return { pods, kubelet: due ?? (await findKubeletStaleness(description.kubelet, node)) };
}

/** kube-controller-manager exits when its signing file is a bundle, so it has a separate file while two CAs are trusted. */
function findSigningEdit(
  stage: RotationStageName,
  { main }: StaticPod,
  { files, entry }: RotationState,
): FlagEdit | undefined {
  const before = main.flags.get(SIGNING_FLAG);
  if (before === undefined || files.signing === undefined) return undefined;
  const name = baseName(stage === 'drop' ? entry.path : files.signing);
  const after = `${before.slice(0, before.lastIndexOf('/') + 1)}${name}`;
  return after === before ? undefined : { name: SIGNING_FLAG, before, after };
}
