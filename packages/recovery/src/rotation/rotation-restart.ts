import type { CaId } from '@kube-rescue/cert-rotation';
import { findFlagTrust, type RotationState } from '@kube-rescue/cert-rotation/rotation';
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
import { findPod, type Node, type NodeDescription } from '@kube-rescue/node';
import { findRestartableKubelet } from '../kubeadm/restartable-kubelet.ts';
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
 * another etcd CA, and where one of {@link API_SERVER_TRUST} trusts the CA.
 */
const READ_AT_START: Readonly<Record<CaId, Readonly<Record<RotationStageName, ReadAtStart>>>> = {
  cluster: { trust: KUBECONFIGS, issue: KUBECONFIGS, drop: KUBECONFIGS },
  etcd: { trust: ETCD, issue: {}, drop: ETCD },
  'etcd-peer': { trust: ETCD, issue: {}, drop: ETCD },
  'front-proxy': { trust: {}, issue: {}, drop: {} },
};

/**
 * Trust of the API server in the servers that it calls, read at its start: kubeconfigs of webhooks (k8s.io/apiserver
 * `pkg/util/webhook/webhook.go` LoadKubeconfig), `pkg/server/egressselector/egress_selector.go`, client-go's transport to kubelets.
 * An AuthorizationConfiguration is reloaded when it changes itself, not when its kubeconfig does
 * (`pkg/kubeapiserver/authorizer/reload.go`). An AuthenticationConfiguration holds its CA, and is reloaded.
 */
const API_SERVER_TRUST = [
  'kubelet-certificate-authority',
  'oidc-ca-file',
  'authorization-config',
  'authentication-token-webhook-config-file',
  'authorization-webhook-config-file',
  'audit-webhook-config-file',
  'admission-control-config-file',
  'egress-selector-config-file',
];

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
      findKubelet: () => findRestartableKubelet(node),
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
  if (!pods.some(({ pod }) => pod.component === 'kube-apiserver')) {
    pods.push(...(await findApiServerNeed({ stage, isDue }, { description, state }, node)));
  }
  if (input.ca !== 'cluster') return { pods, kubelet: undefined };
  const due = isDue ? 'the kubelet reads files at its start that this stage changes' : undefined;
  return { pods, kubelet: due ?? (await findKubeletStaleness(description.kubelet, node)) };
}

/** The signing CA of every stage is in the files that trust, so its certificate finds them before and after the change. */
async function findApiServerNeed(
  { stage, isDue }: { readonly stage: RotationStageName; readonly isDue: boolean },
  { description, state }: { readonly description: NodeDescription; readonly state: RotationState },
  node: Node,
): Promise<readonly RestartNeed[]> {
  const component = 'kube-apiserver';
  const pod = findPod(description, component);
  // Which CAs are trusted stays the same in this stage.
  if (pod === undefined || stage === 'issue') return [];
  const flags = { component, names: API_SERVER_TRUST };
  const paths = await findFlagTrust(state.current.certificate, flags, description.inspection, node.host);
  if (paths.length === 0) return [];
  const reason = isDue
    ? `${component} reads at its start: ${paths.join(', ')}`
    : await findPodStaleness({ pod, flags: { flags: new Map(paths.map((path) => [path, path])) } }, node);
  return [{ pod, reason, flags: [] }];
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
