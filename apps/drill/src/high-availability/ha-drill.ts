import type { Cluster, ClusterMachine, Proof } from '@kube-rescue/lab';
import type { KubeadmRehearsal } from '../kubeadm-rehearsal.ts';
import { nameProofs, proveAnswer } from '../proofs/proofs.ts';
import { recoverAndWatch, type RecoveryTimes } from '../recovery/recovery-watch.ts';
import { type RescueAnswer, runRescue } from '../rescue-command.ts';
import { carryCas } from './carried-cas.ts';
import { overSshFlags } from './over-ssh-flags.ts';

/** Through the load balancer, as every client has it. */
const QUESTION = { url: 'https://api.lab:6443/readyz', ca: '/etc/kubernetes/pki/ca.crt' } as const;

/** How several control planes are recovered. */
interface Recovery {
  readonly title: string;
  /** It issues expired CAs once itself. */
  readonly carriesCas?: boolean | undefined;
  /** @param flags further ones, for the first time */
  readonly recover: (flags: readonly string[]) => Promise<readonly [RescueAnswer, ...RescueAnswer[]]>;
  readonly prove: (answers: readonly RescueAnswer[], outcome: string) => readonly Proof[] | Promise<readonly Proof[]>;
}

/**
 * Recovers a broken cluster of several control planes node by node, all at once, as people do who have a shell on each and no SSH
 * between them. Proves that it serves, and that a second recovery finds nothing to do. Stops at the first failed proof.
 *
 * @param since when it was broken
 */
export function recoverNodeByNode(rehearsal: KubeadmRehearsal, since: Date): Promise<RecoveryTimes | undefined> {
  const recovery: Recovery = {
    title: 'recover on every node',
    recover: (flags) => recoverEach(rehearsal, flags),
    prove: (answers, outcome) => proveEach(rehearsal.cluster, answers, outcome),
  };
  return recoverTogether(rehearsal, recovery, since);
}

/** The same from one machine, the first control plane, by one command that reaches all of them over SSH. */
export function recoverOverSsh(rehearsal: KubeadmRehearsal, since: Date): Promise<RecoveryTimes | undefined> {
  const recovery: Recovery = {
    title: 'recover all nodes over SSH',
    carriesCas: true,
    recover: async () => [await recoverFromFirst(rehearsal)],
    prove: async ([answer], outcome) => [
      ...(answer === undefined ? [] : [proveAnswer('kube-rescue recover --nodes', answer, outcome)]),
      ...(await proveNothingCarried(rehearsal)),
    ],
  };
  return recoverTogether(rehearsal, recovery, since);
}

async function recoverTogether(
  rehearsal: KubeadmRehearsal,
  recovery: Recovery,
  since: Date,
): Promise<RecoveryTimes | undefined> {
  const { cluster, lab, scenario, deps, watch, proofs } = rehearsal;
  const collect = (kind: string, found: readonly Proof[]): boolean => {
    proofs.push(...nameProofs(kind, found));
    return found.every(({ ok }) => ok);
  };
  const carried =
    scenario.reissuesCas === true && recovery.carriesCas !== true
      ? await watch.measure('issue the CAs once, and carry them to every node', () => carryCas(rehearsal))
      : { flags: [], proofs: [] };
  if (!collect('cas', carried.proofs)) return undefined;
  const recoverySince = deps.clock.now();
  const others: RescueAnswer[] = [];
  const { answer, times } = await watch.measure(recovery.title, () => {
    const workloads = (signal: AbortSignal) => lab.seeNewWorkload(cluster, { ...deps, signal });
    const recover = async (): Promise<RescueAnswer> => {
      const [first, ...rest] = await recovery.recover(carried.flags);
      others.push(...rest);
      return first;
    };
    return recoverAndWatch(cluster, QUESTION, { workloads }, recover, deps);
  });
  if (!collect('recover', await recovery.prove([answer, ...others], 'done'))) return times;
  const life = await watch.measure('prove that it serves', () =>
    scenario.proveLife(cluster, { since, recoverySince }, deps),
  );
  if (!collect('life', life)) return times;
  const second = await watch.measure('recover once more', () => recovery.recover([]));
  collect('second-recover', await recovery.prove(second, 'nothing-to-do'));
  return times;
}

function recoverFromFirst({ cluster, deps, onLine, program }: KubeadmRehearsal): Promise<RescueAnswer> {
  const own = { host: deps.host, signal: deps.signal, program, onLine };
  return runRescue(cluster, ['recover', ...overSshFlags(cluster), '--yes'], own);
}

/** Proves that nothing carried was left on a node: no program, no CA certificate. */
function proveNothingCarried({ cluster, deps }: KubeadmRehearsal): Promise<readonly Proof[]> {
  return Promise.all(
    cluster.controlPlanes.map(async ({ node, enter }): Promise<Proof> => {
      const list = ['ls', '-A', '/var/lib/kube-rescue'] as const;
      const { stdout } = await deps.host.exec([...enter(), ...list], { timeoutMs: 10_000, signal: deps.signal });
      const names = stdout.trim().split('\n');
      const ok = names.includes('runs') && !names.includes('carried') && !names.includes('cas');
      return { name: `${node.name}: nothing carried is left`, ok, detail: names.join(', ') };
    }),
  );
}

/** Recovers every node at once, then resumes where a node ended before the others answered. */
async function recoverEach(
  rehearsal: KubeadmRehearsal,
  flags: readonly string[],
): Promise<readonly [RescueAnswer, ...RescueAnswer[]]> {
  const { controlPlanes } = rehearsal.cluster;
  const first = await Promise.all(controlPlanes.map((machine) => recoverOne(machine, flags, rehearsal)));
  const [one, ...others] = await Promise.all(
    controlPlanes.map(async (machine, index) => {
      const answer = first[index];
      return answer === undefined || isWaiting(answer) ? recoverOne(machine, ['--resume'], rehearsal) : answer;
    }),
  );
  if (one === undefined) throw new Error('the cluster has no control plane');
  return [one, ...others];
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
