import { type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import { lastWords, runCommand } from '../../machine/command.ts';
import { type LabDeps, secondsSince } from '../../cluster/deps.ts';
import { nodeFile } from '../../machine/lab-directory.ts';
import { runOnNode } from '../../cluster/node-command.ts';
import { readNodeText } from '../../cluster/node-text.ts';
import type { SelfHostedCluster } from '../../self-hosted/cluster.ts';
import { killComponents } from '../../self-hosted/component-processes.ts';
import { renderKubeconfig } from '../../self-hosted/kubeconfig.ts';
import { CONTROL_PLANE, ETCD_TLS_FOLDER, KUBECONFIG, MASTER_LABEL } from '../../self-hosted/layout.ts';
import { powerOff, powerOn } from '../../self-hosted/power.ts';
import { startService, stopService } from '../../machine/services.ts';
import { waitFor } from '../../machine/waiting.ts';
import { expirePki, type EtcdPki, type LivingPki, readLivingPki, rotatePki } from './certificates.ts';
import { etcdctl } from './etcd-client.ts';
import { expireObjects } from './expire-objects.ts';
import { writeRotationSet } from './rotation-set.ts';

const CHECKPOINT_SECRETS = '/etc/kubernetes/checkpoint-secrets';
/** Who would put back what is being changed. */
const GUARDIANS = ['kube-controller-manager', 'kube-scheduler', 'pod-checkpointer'] as const;
/** Whose pods a scheduler has lost, and DNS; of the network, the control plane's. */
const LOST_PODS = [
  'k8s-app=kube-scheduler',
  'k8s-app=kube-controller-manager',
  'k8s-app=kube-dns',
  'k8s-app=flannel',
] as const;
const ACTIVATION_DEADLINE_MS = 90_000;
const TRUST_KEY = '/registry/configmaps/kube-system/extension-apiserver-authentication';

/**
 * Does to a self-hosted cluster what happened to it by that Saturday. Three years have passed, and its CA has expired with
 * all that it signed; only etcd's certificates were rotated, and the API server never got the new ones. The machines
 * restarted with their control plane dead; the scheduler's, controllers', DNS' and network's pods are gone, the worker is
 * off, and the control-plane node takes work. What `tls_rotate` made lies on the node, unused.
 *
 * Works with openssl, kubectl, etcdctl, kill, ctr, iptables and the service command only.
 */
export async function breakSaturday(cluster: SelfHostedCluster, deps: LabDeps): Promise<void> {
  const startedAt = deps.clock.now();
  const tell = (message: string): void => {
    deps.onProgress?.({ phase: 'break', message: `${message} (${secondsSince(deps.clock, startedAt)} s)` });
  };
  tell('signing certificates again with a validity that ended yesterday, and new ones as tls_rotate does');
  const living = await readLivingPki(cluster, deps);
  const [expired, rotated] = await Promise.all([expirePki(cluster, living, deps), rotatePki(cluster, deps)]);
  tell('stopping the kubelets, and killing who would put things back');
  for (const { node } of cluster.nodes) await stopService(node, 'kubelet', deps);
  await killComponents(cluster, GUARDIANS, deps);
  tell('putting expired certificates into Secrets, and losing pods and a taint');
  await expireObjects(cluster, { living, expired }, deps);
  await losePods(cluster, deps);
  tell('cutting the power of both nodes');
  for (const machine of cluster.nodes) await powerOff(machine, deps);
  await replaceInFiles(nodeFile(cluster.node, CHECKPOINT_SECRETS), replacements(living, expired), deps);
  await writeKubeconfigs(cluster, expired, deps);
  await rotateEtcd(cluster, rotated.etcd, deps);
  await writeRotationSet(cluster, { living, ...rotated }, deps);
  tell('starting them again, the worker without its kubelet');
  await powerOn(cluster.worker, { kubelet: false }, deps);
  await powerOn(cluster, { kubelet: false }, deps);
  await dropPublishedTrust(cluster, deps);
  await startService(cluster.node, 'kubelet', deps);
  await waitForActivation(cluster, deps);
  tell('the checkpointer has started the API server from its copy');
}

async function losePods(cluster: SelfHostedCluster, deps: LabDeps): Promise<void> {
  const lose = ['delete', 'pods', '--namespace=kube-system', '--force', '--grace-period=0', '--wait=false'];
  for (const selector of LOST_PODS) {
    const onNode = ['--selector', selector, `--field-selector=spec.nodeName=${CONTROL_PLANE.name}`];
    await runOnNode(cluster, ['kubectl', ...lose, ...onNode], deps);
  }
  await runOnNode(cluster, ['kubectl', 'taint', 'node', CONTROL_PLANE.name, `${MASTER_LABEL}-`], deps);
}

/** Each expired certificate by the one that it takes the place of. */
function replacements(living: LivingPki, expired: LivingPki): ReadonlyMap<string, string> {
  return new Map([
    [living.kube.ca.certificate, expired.kube.ca.certificate],
    [living.kube.apiserver.certificate, expired.kube.apiserver.certificate],
    [living.etcdCaPair.certificate, expired.etcdCaPair.certificate],
    [living.etcdClient.certificate, expired.etcdClient.certificate],
  ]);
}

/** Replaces whole files below `folder`, whose modes and owners stay. */
async function replaceInFiles(
  folder: HostPath,
  replacement: ReadonlyMap<string, string>,
  deps: LabDeps,
): Promise<void> {
  const { stdout } = await runCommand(deps, ['find', folder, '-type', 'f']);
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

async function writeKubeconfigs(cluster: SelfHostedCluster, { kube }: LivingPki, deps: LabDeps): Promise<void> {
  const ca = kube.ca.certificate;
  const kubeconfig = renderKubeconfig(ca, kube.kubelet);
  for (const { node } of cluster.nodes) {
    await deps.host.writeFile(nodeFile(node, KUBECONFIG), Buffer.from(kubeconfig), { mode: 0o600 });
    await deps.host.writeFile(nodeFile(node, '/etc/kubernetes/ca.crt'), Buffer.from(ca), { mode: 0o644 });
  }
}

async function rotateEtcd({ node }: SelfHostedCluster, etcd: EtcdPki, deps: LabDeps): Promise<void> {
  const write = (name: string, text: string, mode: number): Promise<void> =>
    deps.host.writeFile(joinPath(nodeFile(node, ETCD_TLS_FOLDER), name), Buffer.from(text), { mode });
  await write('ca.crt', etcd.ca.certificate, 0o644);
  for (const name of ['server', 'peer', 'client'] as const) {
    await write(`${name}.crt`, etcd[name].certificate, 0o644);
    await write(`${name}.key`, etcd[name].key, 0o600);
  }
}

/**
 * Whom extension API servers are to trust: an API server drops from it what has expired, and adds what it was started with.
 * The one that ran until now would have put the CA back at once that has not expired really.
 */
async function dropPublishedTrust(cluster: SelfHostedCluster, deps: LabDeps): Promise<void> {
  await waitFor(deps, {
    subject: TRUST_KEY,
    deadlineMs: ACTIVATION_DEADLINE_MS,
    look: async () => {
      const result = await etcdctl(cluster, ['del', TRUST_KEY], deps);
      return result.exitCode === 0 ? { value: undefined } : { waitingFor: lastWords(result, 1) };
    },
  });
}

async function waitForActivation({ node }: SelfHostedCluster, deps: LabDeps): Promise<void> {
  await waitFor(deps, {
    subject: 'pod-checkpointer',
    deadlineMs: ACTIVATION_DEADLINE_MS,
    look: async () => {
      const active = (await deps.host.list(nodeFile(node, '/etc/kubernetes/manifests'))) ?? [];
      const isActive = active.some((name) => name.startsWith('kube-system-kube-apiserver-'));
      return isActive ? { value: undefined } : { waitingFor: `active are ${active.join(', ')}` };
    },
  });
}
