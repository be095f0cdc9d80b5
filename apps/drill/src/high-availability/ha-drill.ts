import type { Cluster, ClusterMachine, Proof } from '@kube-rescue/lab';
import type { KubeadmRehearsal } from '../kubeadm-rehearsal.ts';
import { nameProofs, proveAnswer } from '../proofs/proofs.ts';
import { recoverAndWatch, type RecoveryTimes } from '../recovery/recovery-watch.ts';
import { type RescueAnswer, runRescue } from '../rescue-command.ts';
import { carryCas } from './carried-cas.ts';

/** Through the load balancer, as every client has it. */
const QUESTION = { url: 'https://api.lab:6443/readyz', ca: '/etc/kubernetes/pki/ca.crt' } as const;

/**
 * Recovers a broken cluster of several control planes node by node, all at once, as people do who have a shell on each and no SSH
 * between them. Proves that it serves, and that a second recovery finds nothing to do. Stops at the first failed proof.
 *
 * @param since when it was broken
 */
export async function recoverNodeByNode(rehearsal: KubeadmRehearsal, since: Date): Promise<RecoveryTimes | undefined> {
  const { cluster, lab, scenario, deps, watch, proofs } = rehearsal;
  const collect = (kind: string, found: readonly Proof[]): boolean => {
    proofs.push(...nameProofs(kind, found));
    return found.every(({ ok }) => ok);
  };
  const carried =
    scenario.reissuesCas === true
      ? await watch.measure('issue the CAs once, and carry them to every node', () => carryCas(rehearsal))
      : { flags: [], proofs: [] };
  if (!collect('cas', carried.proofs)) return undefined;
  const recoverySince = deps.clock.now();
  const others: RescueAnswer[] = [];
  const { answer, times } = await watch.measure('recover on every node', () => {
    const workloads = (signal: AbortSignal) => lab.seeNewWorkload(cluster, { ...deps, signal });
    const recover = async (): Promise<RescueAnswer> => {
      const [first, ...rest] = await recoverEach(rehearsal, carried.flags);
      others.push(...rest);
      if (first === undefined) throw new Error('the cluster has no control plane');
      return first;
    };
    return recoverAndWatch(cluster, QUESTION, { workloads }, recover, deps);
  });
  if (!collect('recover', proveEach(cluster, [answer, ...others], 'done'))) return times;
  const life = await watch.measure('prove that it serves', () =>
    scenario.proveLife(cluster, { since, recoverySince }, deps),
  );
  if (!collect('life', life)) return times;
  const second = await watch.measure('recover once more', () => recoverEach(rehearsal));
  collect('second-recover', proveEach(cluster, second, 'nothing-to-do'));
  return times;
}

/** Recovers every node at once, then resumes where a node ended before the others answered. */
async function recoverEach(
  rehearsal: KubeadmRehearsal,
  flags: readonly string[] = [],
): Promise<readonly RescueAnswer[]> {
  const { controlPlanes } = rehearsal.cluster;
  const first = await Promise.all(controlPlanes.map((machine) => recoverOne(machine, flags, rehearsal)));
  return Promise.all(
    controlPlanes.map(async (machine, index) => {
      const answer = first[index];
      return answer === undefined || isWaiting(answer) ? recoverOne(machine, ['--resume'], rehearsal) : answer;
    }),
  );
}

/** Whether the node is done with its own part, and the others were not. */
export function isWaiting({ envelope }: Pick<RescueAnswer, 'envelope'>): boolean {
  return envelope?.ok === false && envelope.error.code === 'WAITING_FOR_OTHERS';
}

function recoverOne(
  machine: ClusterMachine,
  flags: readonly string[],
  { deps, onLine, program }: KubeadmRehearsal,
): Promise<RescueAnswer> {
  const { name } = machine.node;
  const own = { host: deps.host, signal: deps.signal, program, onLine: (line: string) => onLine(`${name}: ${line}`) };
  return runRescue(machine, ['recover', ...flags, '--yes'], own);
}

function proveEach({ controlPlanes }: Cluster, answers: readonly RescueAnswer[], outcome: string): readonly Proof[] {
  return controlPlanes.map(({ node }, index) => {
    const answer = answers[index];
    const name = `${node.name}: kube-rescue recover`;
    return answer === undefined ? { name, ok: false, detail: 'it was not run' } : proveAnswer(name, answer, outcome);
  });
}
