import { runCommand } from '../../machine/command.ts';
import { killContainers } from '../../machine/containerd.ts';
import { type LabDeps, secondsSince } from '../../machine/lab-deps.ts';
import { nodeFile } from '../../machine/lab-directory.ts';
import { labIdOfCgroup } from '../../machine/lab-processes.ts';
import { execOnNode } from '../../cluster/node-command.ts';
import { readNodeText } from '../../cluster/node-text.ts';
import { type Proof, prove } from '../../proofs/proof.ts';
import type { SelfHostedCluster } from '../../self-hosted/cluster.ts';
import { API_URL, CONTROL_PLANE, KUBECONFIG } from '../../self-hosted/layout.ts';
import { startService, stopService } from '../../machine/services.ts';
import { waitFor } from '../../machine/waiting.ts';
import { activeManifest, type Checkpoint, findCheckpoint } from './checkpoint.ts';
import { observePod } from './pod-containers.ts';
import { ROTATION_SET } from './rotation-set.ts';

const START_DEADLINE_MS = 90_000;
const LIFE_LIMIT_MS = 60_000;
/** How long the API server must stay down: several passes of the checkpointer, and the termination of a container. */
const WATCH_MS = 35_000;
/** How long a kubelet needs to start its pods without an API server, and one pass of the checkpointer. */
const RESTART_WATCH_MS = 25_000;

/** The files of the set to plant in the checkpoint of the API server's Secret, by key. */
const PLANTED: Readonly<Record<string, string>> = {
  'ca.crt': 'tls/ca.crt',
  'oidc-ca.crt': 'tls/ca.crt',
  'apiserver.crt': 'tls/apiserver.crt',
  'apiserver.key': 'tls/apiserver.key',
  'etcd-client-ca.crt': 'tls/etcd/ca.crt',
  'etcd-client.crt': 'tls/etcd/client.crt',
  'etcd-client.key': 'tls/etcd/client.key',
};

/**
 * Demonstrates the trap of a checkpointed API server: with valid files on the node and the stale Secret in etcd it serves
 * briefly, then stays down. Takes about two minutes. Afterwards the kubeconfig is restored, but the API server's checkpoint
 * is inactive, and the sandbox of its parent prevents its activation.
 */
export async function proveTrap(cluster: SelfHostedCluster, deps: LabDeps): Promise<readonly Proof[]> {
  const { node } = cluster;
  const checkpoint = await findCheckpoint(cluster, 'kube-apiserver', deps);
  const kubeconfig = await readNodeText(nodeFile(node, KUBECONFIG), deps);
  await stopService(node, 'kubelet', deps);
  await killContainers(node, deps);
  await plant(cluster, checkpoint, deps);
  await startService(node, 'kubelet', deps);
  const proofs = [await proveShortLife(cluster, checkpoint, deps), await proveOverwritten(cluster, checkpoint, deps)];
  const checkOutage = async () => watchForOutage(cluster, checkpoint, WATCH_MS, deps);
  proofs.push(
    await prove(
      'afterwards its sandbox is READY without a running container, and the checkpointer does nothing',
      checkOutage,
    ),
  );
  await deps.host.writeFile(nodeFile(node, KUBECONFIG), Buffer.from(kubeconfig), { mode: 0o600 });
  await stopService(node, 'kubelet', deps);
  await startService(node, 'kubelet', deps);
  const checkAfterRestart = async () => watchForOutage(cluster, checkpoint, RESTART_WATCH_MS, deps);
  return [...proofs, await prove('a restart of the kubelet does not help', checkAfterRestart)];
}

/** Copies the set's files to every path on the node where they are read; only etcd keeps the old Secret. */
async function plant(cluster: SelfHostedCluster, { secrets }: Checkpoint, deps: LabDeps): Promise<void> {
  const { node } = cluster;
  const fromSet = (path: string): Promise<string> => readNodeText(nodeFile(node, `${ROTATION_SET}/${path}`), deps);
  const replace = async (path: string, text: string): Promise<void> => {
    const file = nodeFile(node, path);
    const stat = await deps.host.stat(file);
    const owner = { uid: stat?.uid ?? 0, gid: stat?.gid ?? 0 };
    await deps.host.writeFile(file, Buffer.from(text), { mode: stat?.mode ?? 0o600, owner });
  };
  for (const [key, path] of Object.entries(PLANTED))
    await replace(`${secrets}/kube-apiserver/${key}`, await fromSet(path));
  // The checkpointer's own CA, without which it would not trust the new API server.
  const own = await findCheckpoint(cluster, 'pod-checkpointer', deps);
  const tokens = (await deps.host.list(nodeFile(node, own.secrets))) ?? [];
  for (const token of tokens) await replace(`${own.secrets}/${token}/ca.crt`, await fromSet('tls/ca.crt'));
  await replace(KUBECONFIG, await fromSet('auth/kubeconfig'));
}

function proveShortLife(cluster: SelfHostedCluster, checkpoint: Checkpoint, deps: LabDeps): Promise<Proof> {
  return prove('with valid files planted on the node the API server serves, and is down within a minute', async () => {
    // The checkpointer rewrites all its files once a minute, also in its first pass. Its process is stopped until the API
    // server serves and the sandbox exists.
    const pid = await waitForCheckpointer(cluster, deps);
    await runCommand(deps, ['kill', '-STOP', pid]);
    try {
      await waitForApi(cluster, true, START_DEADLINE_MS, deps);
      const readyAt = deps.clock.now();
      await waitForSandbox(cluster, checkpoint, deps);
      await runCommand(deps, ['kill', '-CONT', pid]);
      await waitForApi(cluster, false, LIFE_LIMIT_MS, deps);
      return {
        ok: true,
        detail: `it was ready, and refused connections ${secondsSince(deps.clock, readyAt)} s later`,
      };
    } finally {
      await runCommand(deps, ['sh', '-c', 'kill -CONT "$0" 2>/dev/null || true', pid]);
    }
  });
}

/** Waits until the checkpointer holds its lock. Returns its pid. */
async function waitForCheckpointer(cluster: SelfHostedCluster, deps: LabDeps): Promise<string> {
  return waitFor(deps, {
    subject: 'pod-checkpointer',
    deadlineMs: START_DEADLINE_MS,
    intervalMs: 100,
    check: async () => {
      const found = (await deps.host.processes()).find(({ argv, cgroup }) => {
        return labIdOfCgroup(cgroup) === cluster.id && argv[1]?.includes('pod-checkpointer/main') === true;
      });
      if (found === undefined) return { waitingFor: 'the checkpointer does not run' };
      const lock = await execOnNode(
        cluster,
        ['flock', '--nonblock', '/var/run/lock/pod-checkpointer.lock', 'true'],
        deps,
      );
      return lock.exitCode === 0
        ? { waitingFor: 'the checkpointer does not hold its lock' }
        : { value: String(found.pid) };
    },
  });
}

async function waitForApi(
  cluster: SelfHostedCluster,
  wanted: boolean,
  deadlineMs: number,
  deps: LabDeps,
): Promise<void> {
  await waitFor(deps, {
    subject: 'kube-apiserver',
    deadlineMs,
    check: async () => {
      const ready = await isPlantedApiReady(cluster, deps);
      return ready === wanted
        ? { value: undefined }
        : { waitingFor: ready ? 'the API server still answers' : '/readyz is not ok' };
    },
  });
}

async function isPlantedApiReady(cluster: SelfHostedCluster, deps: LabDeps): Promise<boolean> {
  const curl = ['curl', '--silent', '--max-time', '3', '--cacert', `${ROTATION_SET}/tls/ca.crt`] as const;
  return (await execOnNode(cluster, [...curl, `${API_URL}/readyz`], deps)).stdout === 'ok';
}

async function waitForSandbox(cluster: SelfHostedCluster, { pod }: Checkpoint, deps: LabDeps): Promise<void> {
  await waitFor(deps, {
    subject: pod,
    deadlineMs: LIFE_LIMIT_MS,
    intervalMs: 100,
    check: async () =>
      (await observePod(cluster, pod, deps)).sandbox
        ? { value: undefined }
        : { waitingFor: 'the pod has no READY sandbox' },
  });
}

function proveOverwritten(cluster: SelfHostedCluster, { secrets }: Checkpoint, deps: LabDeps): Promise<Proof> {
  return prove('the planted files were overwritten with the expired ones from etcd', async () => {
    const verdicts = await Promise.all(
      ['ca.crt', 'apiserver.crt', 'etcd-client.crt'].map(async (name) => {
        const path = `${secrets}/kube-apiserver/${name}`;
        const { exitCode } = await execOnNode(
          cluster,
          ['openssl', 'x509', '-noout', '-checkend', '0', '-in', path],
          deps,
        );
        return exitCode !== 0;
      }),
    );
    return { ok: verdicts.every(Boolean), detail: `openssl: ${verdicts.filter(Boolean).length} of 3 have expired` };
  });
}

async function watchForOutage(
  cluster: SelfHostedCluster,
  checkpoint: Checkpoint,
  watchMs: number,
  deps: LabDeps,
): Promise<Omit<Proof, 'name'>> {
  const since = deps.clock.now();
  while (deps.clock.now().getTime() - since.getTime() < watchMs) {
    if (await isPlantedApiReady(cluster, deps)) return { ok: false, detail: 'the API server answers again' };
    await deps.clock.sleep(1000, deps.signal);
  }
  const parent = await observePod(cluster, checkpoint.pod, deps);
  const copy = await observePod(cluster, `${checkpoint.pod}-${CONTROL_PLANE.name}`, deps);
  const isActive = (await deps.host.stat(activeManifest(cluster, checkpoint))) !== undefined;
  const detail = [
    `${watchMs / 1000} s without an answer`,
    `the parent has ${parent.sandbox ? 'a READY sandbox' : 'no sandbox'} and ${parent.running} containers`,
    `the copy has ${copy.running} containers and is ${isActive ? 'active' : 'inactive'}`,
  ].join('; ');
  return { ok: parent.sandbox && copy.running === 0 && !isActive, detail };
}
