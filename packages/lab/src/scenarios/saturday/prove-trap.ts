import { runCommand } from '../../machine/command.ts';
import { killContainers } from '../../machine/containerd.ts';
import { type LabDeps, secondsSince } from '../../cluster/deps.ts';
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
/** For so long nothing must come back: several looks of the checkpointer, and what a container has to end in. */
const WATCH_MS = 35_000;
/** As long as a kubelet needs to start its pods without an API server, and a look of the checkpointer more. */
const RESTART_WATCH_MS = 25_000;

/** What is planted where the checkpointer keeps the API server's Secret, by key: files of the set. */
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
 * Walks into the trap of a checkpointed API server: with good files on the node and the stale Secret in etcd it answers, and
 * dies for good. Takes about two minutes. The kubeconfig is as before afterwards, but the API server's copy is inactive,
 * and the sandbox of its parent stands in the way of the next.
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
  const looks = async () => lookForDeath(cluster, checkpoint, WATCH_MS, deps);
  proofs.push(
    await prove(
      'afterwards its sandbox is READY without a container that works, and the checkpointer does nothing',
      looks,
    ),
  );
  await deps.host.writeFile(nodeFile(node, KUBECONFIG), Buffer.from(kubeconfig), { mode: 0o600 });
  await stopService(node, 'kubelet', deps);
  await startService(node, 'kubelet', deps);
  const again = async () => lookForDeath(cluster, checkpoint, RESTART_WATCH_MS, deps);
  return [...proofs, await prove('a restart of the kubelet does not help', again)];
}

/** Puts the set's files on the node, wherever something reads them there; only etcd keeps the old Secret. */
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
  // The checkpointer's own trust, or it would not hear the new API server.
  const own = await findCheckpoint(cluster, 'pod-checkpointer', deps);
  const tokens = (await deps.host.list(nodeFile(node, own.secrets))) ?? [];
  for (const token of tokens) await replace(`${own.secrets}/${token}/ca.crt`, await fromSet('tls/ca.crt'));
  await replace(KUBECONFIG, await fromSet('auth/kubeconfig'));
}

function proveShortLife(cluster: SelfHostedCluster, checkpoint: Checkpoint, deps: LabDeps): Promise<Proof> {
  return prove(
    'with good files planted on the node the API server answers, and is dead within the minute',
    async () => {
      // Once a minute it writes all its files again, in a look that nobody can choose. Its first is such a one, so it is held
      // until there is something to be seen.
      const pid = await waitForCheckpointer(cluster, deps);
      await runCommand(deps, ['kill', '-STOP', pid]);
      try {
        await waitForApi(cluster, true, START_DEADLINE_MS, deps);
        const aliveAt = deps.clock.now();
        await waitForSandbox(cluster, checkpoint, deps);
        await runCommand(deps, ['kill', '-CONT', pid]);
        await waitForApi(cluster, false, LIFE_LIMIT_MS, deps);
        return {
          ok: true,
          detail: `it was ready, and refused connections ${secondsSince(deps.clock, aliveAt)} s later`,
        };
      } finally {
        await runCommand(deps, ['sh', '-c', 'kill -CONT "$0" 2>/dev/null || true', pid]);
      }
    },
  );
}

/** The static copy's process, once it holds the lock. */
async function waitForCheckpointer(cluster: SelfHostedCluster, deps: LabDeps): Promise<string> {
  return waitFor(deps, {
    subject: 'pod-checkpointer',
    deadlineMs: START_DEADLINE_MS,
    intervalMs: 100,
    look: async () => {
      const found = (await deps.host.processes()).find(({ argv, cgroup }) => {
        return labIdOfCgroup(cgroup) === cluster.id && argv[1]?.includes('pod-checkpointer/main') === true;
      });
      if (found === undefined) return { waitingFor: 'its process' };
      const lock = await execOnNode(
        cluster,
        ['flock', '--nonblock', '/var/run/lock/pod-checkpointer.lock', 'true'],
        deps,
      );
      return lock.exitCode === 0 ? { waitingFor: 'its lock' } : { value: String(found.pid) };
    },
  });
}

async function waitForApi(
  cluster: SelfHostedCluster,
  alive: boolean,
  deadlineMs: number,
  deps: LabDeps,
): Promise<void> {
  await waitFor(deps, {
    subject: 'kube-apiserver',
    deadlineMs,
    look: async () => {
      const ready = await isPlantedApiReady(cluster, deps);
      return ready === alive ? { value: undefined } : { waitingFor: ready ? 'it still answers' : '/readyz is not ok' };
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
    look: async () =>
      (await observePod(cluster, pod, deps)).sandbox ? { value: undefined } : { waitingFor: 'its sandbox' },
  });
}

function proveOverwritten(cluster: SelfHostedCluster, { secrets }: Checkpoint, deps: LabDeps): Promise<Proof> {
  return prove('the planted files have been overwritten with the expired ones from etcd', async () => {
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

async function lookForDeath(
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
