import { fieldsAt, listAt, type ObjectStore, RESOURCE_KINDS, textAt } from '@kube-rescue/cluster-objects';
import type { Clock } from '@kube-rescue/host';
import { PodError } from '../errors.ts';
import { PERSISTENT_VOLUME_CLAIM } from '../controllers/kinds.ts';
import { readNode } from '../pods/node-state.ts';
import { fullName, isActive, type Pod, toPod } from '../pods/pod.ts';
import { claimName, type RescuePod } from './rescue-pod.ts';
import type { PodController } from '../controllers/pod-controller.ts';

/**
 * Checks that the kubelet and the API server would accept a rescue pod: the node is registered with a fresh heartbeat, the
 * host ports are free, service account and volumes exist. Does not check priority classes, quotas and webhooks.
 * @throws PodError `POD_NODE_NOT_FOUND` `POD_NODE_NOT_REPORTING` `POD_NETWORK_NOT_READY` `POD_PORT_TAKEN`
 * `POD_SERVICE_ACCOUNT_MISSING` `POD_VOLUME_MISSING` `POD_CLAIM_MISSING`
 */
export async function assertRescuable(
  {
    controller,
    rescue,
    ordinal,
    pods,
  }: {
    readonly controller: PodController;
    readonly rescue: RescuePod;
    readonly ordinal: number | undefined;
    readonly pods: readonly Pod[];
  },
  deps: { readonly store: Pick<ObjectStore, 'get'>; readonly clock: Pick<Clock, 'now'> },
  signal: AbortSignal,
): Promise<void> {
  const pod = toPod(rescue.object);
  await assertNode(pod, deps, signal);
  assertPortsFree(pod, pods);
  await assertMounts(controller, ordinal, deps.store, signal);
}

async function assertNode(
  pod: Pod,
  deps: { readonly store: Pick<ObjectStore, 'get'>; readonly clock: Pick<Clock, 'now'> },
  signal: AbortSignal,
): Promise<void> {
  const name = pod.node ?? '';
  const node = await readNode(name, deps, signal);
  if (node === undefined) {
    throw new PodError({
      code: 'POD_NODE_NOT_FOUND',
      message: 'the node is not registered',
      subject: name,
      hint: 'give the node name as in kubectl get nodes, or start its kubelet first',
    });
  }
  if (!node.isHeartbeatFresh) {
    const since = node.lastHeartbeat === undefined ? '' : ` since ${node.lastHeartbeat.toISOString()}`;
    throw new PodError({
      code: 'POD_NODE_NOT_REPORTING',
      message: `the kubelet has not reported${since}, so the pod would not run`,
      subject: name,
      hint: 'start its kubelet, or choose another node',
    });
  }
  if (!node.isReady && !pod.hostNetwork && /network|cni/i.test(node.message ?? '')) {
    throw new PodError({
      code: 'POD_NETWORK_NOT_READY',
      message: `the pod network is not ready: ${node.message ?? ''}`,
      subject: name,
      hint: 'bootstrap the network first: `kube-rescue cni bootstrap`',
    });
  }
}

function assertPortsFree(pod: Pod, pods: readonly Pod[]): void {
  for (const other of pods) {
    if (other.node !== pod.node || !isActive(other) || other.uid === pod.uid || fullName(other) === fullName(pod))
      continue;
    const taken = other.hostPorts.find(({ port, protocol }) =>
      pod.hostPorts.some((own) => own.port === port && own.protocol === protocol),
    );
    if (taken === undefined) continue;
    throw new PodError({
      code: 'POD_PORT_TAKEN',
      message: `${fullName(other)} uses port ${taken.port}/${taken.protocol} of node ${pod.node ?? ''}, so the kubelet would reject the pod`,
      subject: fullName(pod),
      hint: 'choose another node, or remove that pod',
    });
  }
}

async function assertMounts(
  { kind, name, namespace, template, identity }: PodController,
  ordinal: number | undefined,
  store: Pick<ObjectStore, 'get'>,
  signal: AbortSignal,
): Promise<void> {
  const exists = async (of: keyof typeof RESOURCE_KINDS, wanted: string): Promise<boolean> =>
    (await store.get({ kind: RESOURCE_KINDS[of], namespace, name: wanted }, { signal })) !== undefined;
  const account = textAt(template.spec, 'serviceAccountName') ?? textAt(template.spec, 'serviceAccount') ?? 'default';
  if (!(await exists('ServiceAccount', account))) {
    throw new PodError({
      code: 'POD_SERVICE_ACCOUNT_MISSING',
      message: 'the service account does not exist, so the API server would reject the pod',
      subject: `ServiceAccount ${namespace}/${account}`,
      hint: 'apply it again, or restore it from an etcd snapshot',
    });
  }
  for (const volume of listAt(template.spec, 'volumes')) {
    for (const [source, of, key] of VOLUME_SOURCES) {
      const wanted = textAt(fieldsAt(volume, source), key);
      if (wanted === undefined || fieldsAt(volume, source)['optional'] === true || (await exists(of, wanted))) continue;
      throw new PodError({
        code: 'POD_VOLUME_MISSING',
        message: `${kind} ${namespace}/${name} mounts a missing object`,
        subject: `${of} ${namespace}/${wanted}`,
        hint: 'create it, or restore it from an etcd snapshot',
      });
    }
  }
  for (const claim of ordinal === undefined ? [] : (identity?.claims ?? [])) {
    const wanted = claimName(claim, name, ordinal ?? 0);
    if ((await store.get({ kind: PERSISTENT_VOLUME_CLAIM, namespace, name: wanted }, { signal })) !== undefined)
      continue;
    throw new PodError({
      code: 'POD_CLAIM_MISSING',
      message: `the volume claim of pod ${ordinal} of ${kind} ${namespace}/${name} does not exist`,
      subject: `PersistentVolumeClaim ${namespace}/${wanted}`,
      hint: 'kube-controller-manager creates the claim: recover it first',
    });
  }
}

const VOLUME_SOURCES = [
  ['secret', 'Secret', 'secretName'],
  ['configMap', 'ConfigMap', 'name'],
] as const;
