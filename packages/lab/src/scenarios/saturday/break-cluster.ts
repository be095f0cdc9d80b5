import { type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import { lastOutput, runCommand } from '../../machine/command.ts';
import { type LabDeps, secondsSince } from '../../machine/lab-deps.ts';
import { nodeFile } from '../../machine/lab-directory.ts';
import { runOnNode } from '../../cluster/node-command.ts';
import { readNodeText } from '../../cluster/node-text.ts';
import type { SelfHostedCluster } from '../../self-hosted/cluster.ts';
import { killComponents } from '../../self-hosted/component-processes.ts';
import { renderKubeconfig } from '../../self-hosted/kubeconfig.ts';
import { CONTROL_PLANE, ETCD_TLS_DIRECTORY, KUBECONFIG, MASTER_LABEL } from '../../self-hosted/layout.ts';
import { powerOff, powerOn } from '../../self-hosted/power.ts';
import { ETCD_SERVICE } from '../../self-hosted/units.ts';
import { killPods } from '../../machine/containerd.ts';
import { killService, startService, stopService } from '../../machine/services.ts';
import { waitFor } from '../../machine/waiting.ts';
import { expirePki, type EtcdPki, type CurrentPki, readCurrentPki, rotatePki } from './certificates.ts';
import { etcdctl } from './etcd-client.ts';
import { expireObjects } from './expire-objects.ts';
import { findRefusal, LEADERS } from './running-pods.ts';
import { writeRotationSet } from './rotation-set.ts';

const CHECKPOINT_SECRETS = '/etc/kubernetes/checkpoint-secrets';
/** The components that would revert the changes. */
const RECONCILERS = ['kube-controller-manager', 'kube-scheduler', 'pod-checkpointer'] as const;
/** The pods that do not survive where the node did not restart: etcd has refused their API server. */
const DEAD_PODS = ['kube-apiserver', 'pod-checkpointer'] as const;
/** The pods that are lost on the control-plane node that restarted. */
const LOST_PODS = [
  'k8s-app=kube-scheduler',
  'k8s-app=kube-controller-manager',
  'k8s-app=kube-dns',
  'k8s-app=flannel',
] as const;
const ACTIVATION_DEADLINE_MS = 90_000;
const TRUST_KEY = '/registry/configmaps/kube-system/extension-apiserver-authentication';

/**
 * Breaks a self-hosted cluster as in the Saturday incident. Three years have passed: the cluster CA and all its certificates
 * have expired. Only etcd's certificates were rotated, and the API server never got the new ones. The machines restarted
 * without a control plane; the pods of scheduler, controller-manager, DNS and network are gone, the worker is off, and the
 * control-plane node has lost its taint. The output of `tls_rotate` is on the node, unused.
 *
 * With `podsRunning` the control-plane node did not restart. Its pods still run, and have read the expired CA.
 *
 * Uses only openssl, kubectl, etcdctl, kill, ctr, iptables and the service command.
 */
export async function breakSaturday(
  cluster: SelfHostedCluster,
  { podsRunning }: { readonly podsRunning: boolean },
  deps: LabDeps,
): Promise<void> {
  const startedAt = deps.clock.now();
  const report = (message: string): void => {
    deps.onProgress?.({ phase: 'break', message: `${message} (${secondsSince(deps.clock, startedAt)} s)` });
  };
  report('re-signing certificates with a validity that ended yesterday, and creating new ones as tls_rotate does');
  const current = await readCurrentPki(cluster, deps);
  const [expired, rotated] = await Promise.all([expirePki(cluster, current, deps), rotatePki(cluster, deps)]);
  report('stopping the kubelets and the components that would revert the changes');
  for (const { node } of cluster.nodes) await stopService(node, 'kubelet', deps);
  await killComponents(cluster, RECONCILERS, deps);
  report(`writing expired certificates into Secrets, deleting ${podsRunning ? '' : 'pods and '}a taint`);
  await expireObjects(cluster, { current, expired }, deps);
  if (!podsRunning) await deletePods(cluster, deps);
  await runOnNode(cluster, ['kubectl', 'taint', 'node', CONTROL_PLANE.name, `${MASTER_LABEL}-`], deps);
  if (podsRunning) {
    report('restarting the stopped components with the expired CA');
    await restartReconcilers(cluster, deps);
    report('killing the API server and etcd, and cutting the power of the worker');
    await killPods(cluster.node, DEAD_PODS, deps);
    await killService(cluster.node, ETCD_SERVICE, deps);
    await powerOff(cluster.worker, deps);
  } else {
    report('cutting the power of both nodes');
    for (const machine of cluster.nodes) await powerOff(machine, deps);
  }
  await replaceInFiles(nodeFile(cluster.node, CHECKPOINT_SECRETS), replacements(current, expired), deps);
  await writeKubeconfigs(cluster, expired, deps);
  await rotateEtcd(cluster, rotated.etcd, deps);
  await writeRotationSet(cluster, { current, ...rotated }, deps);
  report('starting what was stopped, the worker without its kubelet');
  await powerOn(cluster.worker, { kubelet: false }, deps);
  await powerOn(cluster, { kubelet: false }, deps);
  await dropPublishedTrust(cluster, deps);
  await startService(cluster.node, 'kubelet', deps);
  await waitForActivation(cluster, deps);
  report('the checkpointer has started the API server from its checkpoint');
}

async function deletePods(cluster: SelfHostedCluster, deps: LabDeps): Promise<void> {
  const command = ['delete', 'pods', '--namespace=kube-system', '--force', '--grace-period=0', '--wait=false'];
  for (const selector of LOST_PODS) {
    const onNode = ['--selector', selector, `--field-selector=spec.nodeName=${CONTROL_PLANE.name}`];
    await runOnNode(cluster, ['kubectl', ...command, ...onNode], deps);
  }
}

/** Lets the kubelet start the killed components again, which read the expired CA, and stops it. */
async function restartReconcilers(cluster: SelfHostedCluster, deps: LabDeps): Promise<void> {
  await startService(cluster.node, 'kubelet', deps);
  for (const component of LEADERS) {
    await waitFor(deps, {
      subject: component,
      deadlineMs: ACTIVATION_DEADLINE_MS,
      check: async () => {
        const refusal = await findRefusal(cluster, component, deps);
        return refusal === undefined ? { waitingFor: 'it has not read the expired CA' } : { value: undefined };
      },
    });
  }
  await stopService(cluster.node, 'kubelet', deps);
}

/** The expired certificates, by the certificate that each replaces. */
function replacements(current: CurrentPki, expired: CurrentPki): ReadonlyMap<string, string> {
  return new Map([
    [current.kube.ca.certificate, expired.kube.ca.certificate],
    [current.kube.apiserver.certificate, expired.kube.apiserver.certificate],
    [current.etcdCaPair.certificate, expired.etcdCaPair.certificate],
    [current.etcdClient.certificate, expired.etcdClient.certificate],
  ]);
}

/** Replaces the content of files below `directory`; modes and owners stay. */
async function replaceInFiles(
  directory: HostPath,
  replacement: ReadonlyMap<string, string>,
  deps: LabDeps,
): Promise<void> {
  const { stdout } = await runCommand(deps, ['find', directory, '-type', 'f']);
  for (const path of stdout
    .split('\n')
    .filter((line) => line !== '')
    .map(hostPath)) {
    const next = replacement.get(await readNodeText(path, deps));
    const stat = await deps.host.stat(path);
    if (next === undefined || stat === undefined) continue;
    await deps.host.writeFile(path, Buffer.from(next), { mode: stat.mode, owner: { uid: stat.uid, gid: stat.gid } });
  }
}

async function writeKubeconfigs(cluster: SelfHostedCluster, { kube }: CurrentPki, deps: LabDeps): Promise<void> {
  const ca = kube.ca.certificate;
  const kubeconfig = renderKubeconfig(ca, kube.kubelet);
  for (const { node } of cluster.nodes) {
    await deps.host.writeFile(nodeFile(node, KUBECONFIG), Buffer.from(kubeconfig), { mode: 0o600 });
    await deps.host.writeFile(nodeFile(node, '/etc/kubernetes/ca.crt'), Buffer.from(ca), { mode: 0o644 });
  }
}

async function rotateEtcd({ node }: SelfHostedCluster, etcd: EtcdPki, deps: LabDeps): Promise<void> {
  const write = (name: string, text: string, mode: number): Promise<void> =>
    deps.host.writeFile(joinPath(nodeFile(node, ETCD_TLS_DIRECTORY), name), Buffer.from(text), { mode });
  await write('ca.crt', etcd.ca.certificate, 0o644);
  for (const name of ['server', 'peer', 'client'] as const) {
    await write(`${name}.crt`, etcd[name].certificate, 0o644);
    await write(`${name}.key`, etcd[name].key, 0o600);
  }
}

/**
 * Deletes the CA that extension API servers trust. An API server drops expired CAs from this ConfigMap and adds its own; the
 * previous one would have restored the original, unexpired CA at once.
 */
async function dropPublishedTrust(cluster: SelfHostedCluster, deps: LabDeps): Promise<void> {
  await waitFor(deps, {
    subject: TRUST_KEY,
    deadlineMs: ACTIVATION_DEADLINE_MS,
    check: async () => {
      const result = await etcdctl(cluster, ['del', TRUST_KEY], deps);
      return result.exitCode === 0 ? { value: undefined } : { waitingFor: lastOutput(result, 1) };
    },
  });
}

async function waitForActivation({ node }: SelfHostedCluster, deps: LabDeps): Promise<void> {
  await waitFor(deps, {
    subject: 'pod-checkpointer',
    deadlineMs: ACTIVATION_DEADLINE_MS,
    check: async () => {
      const active = (await deps.host.list(nodeFile(node, '/etc/kubernetes/manifests'))) ?? [];
      const isActive = active.some((name) => name.startsWith('kube-system-kube-apiserver-'));
      return isActive ? { value: undefined } : { waitingFor: `active manifests: ${active.join(', ')}` };
    },
  });
}
