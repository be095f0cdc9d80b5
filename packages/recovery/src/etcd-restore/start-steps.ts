import type { Node } from '@kube-rescue/node';
import { askHealth, listRunningPods } from '@kube-rescue/static-manifests';
import { readBefore, sha256, type Step } from '@kube-rescue/workflow';
import { RESTART_TIMEOUT_MS } from '../kubeadm/restart.ts';
import { needed, waiting, withChanges } from './changes-step.ts';
import { createKubeletStep, RESTORE_KUBELET } from './kubelet-step.ts';
import type { StoppablePod } from './restore-node.ts';
import { MANIFEST_MODE, RESTORE_DATA, type RestoreContext } from './restore-steps.ts';

export const RESTORE_START = 'etcd-restore/start';
const RESTORE_TIDY = 'etcd-restore/tidy';

const INTERVAL_MS = 500;

/**
 * Starts both pods again with their own manifests, that of etcd with this member alone, restarts the kubelet where etcd could not raise its revision, then removes the kept
 * manifests.
 */
export function createStartSteps(context: RestoreContext, node: Node): readonly Step[] {
  const { facts, isDone } = context;
  const { host } = node;
  const missing = async (): Promise<readonly StoppablePod[]> => {
    const known = await Promise.all(facts.pods.map(async (pod) => ((await host.stat(pod.manifest)) ? undefined : pod)));
    return known.filter((pod) => pod !== undefined);
  };
  const materialOf = async ({ edited, stopped }: StoppablePod): Promise<Uint8Array> =>
    edited === undefined ? ((await host.readFile(stopped)) ?? new Uint8Array()) : new TextEncoder().encode(edited);
  const start = withChanges({
    ...{ id: RESTORE_START, title: 'start etcd and the API server', requires: [RESTORE_DATA], reversible: 'no' },
    check: async () => {
      if (!isDone) return waiting(RESTORE_DATA);
      const changes = (await missing()).map(async (pod) => {
        const { uid = 0, gid = 0, mode = MANIFEST_MODE } = (await host.stat(pod.stopped)) ?? {};
        const { manifest } = pod;
        const after = sha256(await materialOf(pod));
        return { kind: 'file.replace', target: manifest, before: 'absent', after, mode, uid, gid, watched: true };
      });
      const restarts = ['etcd', 'the API server'];
      const found = needed('the pods start with the manifests from before', (await Promise.all(changes)).toReversed());
      return { ...found, restarts };
    },
    apply: async (changes, journal) => {
      const edits = changes.map(async (change) => {
        const pod = facts.pods.find(({ manifest }) => manifest === change.target);
        return { change, material: pod && (await materialOf(pod)) };
      });
      await journal.perform(await Promise.all(edits));
    },
    verify: async (signal, waitingFor) => {
      const begun = node.clock.now().getTime();
      for (;;) {
        const states = await Promise.all(facts.pods.map((each) => observe(each, node, signal)));
        const [problem] = states.flatMap(({ problem: each }) => each ?? []);
        if (problem === undefined) return { verified: true, evidence: states.map(({ evidence }) => evidence) };
        if (node.clock.now().getTime() - begun >= RESTART_TIMEOUT_MS) {
          const hint = 'read the logs in /var/log/pods; `kube-rescue rollback RUN` puts the old data back';
          return { verified: false, reason: problem, hint };
        }
        waitingFor?.(problem);
        await node.clock.sleep(INTERVAL_MS, signal);
      }
    },
  });
  const tidy = withChanges({
    ...{ id: RESTORE_TIDY, title: 'remove the kept manifests', requires: [RESTORE_KUBELET], reversible: 'yes' },
    check: async () => {
      const kept = await Promise.all(
        facts.pods.map(async ({ stopped }) => {
          const before = await readBefore(host, stopped);
          return before === 'absent' ? undefined : { kind: 'file.remove', target: stopped, before };
        }),
      );
      if (isDone) return needed('the kept manifests are not needed any more', kept);
      return waiting(RESTORE_START);
    },
    apply: (changes, journal) => journal.perform(changes.map((change) => ({ change }))),
    verify: async () => ({ verified: true, evidence: [] }),
  });
  return [start, withChanges(createKubeletStep({ isDone, mark: context.mark, requires: RESTORE_START }, node)), tidy];
}

async function observe(
  { pod, component }: StoppablePod,
  node: Node,
  signal: AbortSignal,
): Promise<{ readonly evidence: string; readonly problem?: string }> {
  const [running] = await listRunningPods(pod, node);
  if (running === undefined) return { evidence: '', problem: `the kubelet to start ${component}` };
  const { state, evidence } = await askHealth({ pod, signal }, node);
  return state === 'healthy' ? { evidence } : { evidence, problem: `${component} to be healthy: ${evidence}` };
}
