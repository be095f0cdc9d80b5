import type { Proof } from '@kube-rescue/lab';
import { recoverNodeByNode, recoverOverSsh } from './high-availability/ha-drill.ts';
import type { KubeadmRehearsal } from './kubeadm-rehearsal.ts';
import { nameProofs, proveAnswer, proveSameFiles } from './proofs/proofs.ts';
import { findSnapshot, recoverAndWatch, type RecoveryTimes } from './recovery/recovery-watch.ts';
import { type RescueAnswer, runRescue } from './rescue-command.ts';

/**
 * Breaks a kubeadm cluster and recovers it. Stops at the first failed proof: later ones would prove nothing.
 *
 * @param breakOnly ends once it is proven to be down
 */
export async function rehearseKubeadm(
  rehearsal: KubeadmRehearsal,
  { breakOnly }: { readonly breakOnly: boolean },
): Promise<RecoveryTimes | undefined> {
  const { cluster, scenario, deps, watch, proofs } = rehearsal;
  if (scenario.proveHealth !== undefined) {
    const health = await watch.measure('prove that it works', async () => scenario.proveHealth?.(cluster, deps));
    if (!collect(proofs, nameProofs('health', health ?? []))) return undefined;
  }
  const since = deps.clock.now();
  await watch.measure(`break it: ${scenario.what}`, () => scenario.breakCluster(cluster, deps));
  const death = await watch.measure('prove that it is down', () => scenario.proveDeath(cluster, deps));
  if (!collect(proofs, nameProofs('death', death)) || breakOnly) return undefined;
  if (cluster.controlPlanes.length === 1 || scenario.recovery !== undefined) return recoverOneNode(rehearsal, since);
  return (rehearsal.overSsh === true ? recoverOverSsh : recoverNodeByNode)(rehearsal, since);
}

/** Recovers the only control plane that is there, once more, rolls that back, and recovers it again. */
async function recoverOneNode(rehearsal: KubeadmRehearsal, since: Date): Promise<RecoveryTimes | undefined> {
  const { cluster, lab, scenario, deps, watch, proofs } = rehearsal;
  const broken = await lab.snapshotFiles(cluster, deps);

  const question = { url: `https://${cluster.node.address}:6443/readyz`, ca: '/etc/kubernetes/pki/ca.crt' };
  const command = scenario.recovery?.command(cluster) ?? ['recover', '--yes', ...(scenario.recoverFlags ?? [])];
  const words = command
    .slice(
      0,
      command.findIndex((word) => word.startsWith('-')),
    )
    .join(' ');
  if (!collect(proofs, await proveRefusals(rehearsal))) return undefined;
  const recover = (): Promise<RescueAnswer> => rescueAsPrinted(rehearsal, command);
  const { answer, times } = await watch.measure('recover', () => {
    const workloads = (signal: AbortSignal) => lab.seeNewWorkload(cluster, { ...deps, signal });
    return recoverAndWatch(cluster, question, { workloads }, recover, deps);
  });
  if (!collect(proofs, [proveAnswer(`recover: kube-rescue ${words} brings it back`, answer, 'done')])) return times;
  if (!(await proveLife(rehearsal, 'life', since))) return times;
  if (scenario.recovery?.takesSnapshot !== false) {
    const backup = await lab.proveEtcdSnapshot(cluster, findSnapshot(answer), deps);
    if (!collect(proofs, nameProofs('backup', [backup]))) return times;
  }

  const second = await watch.measure('recover once more', recover);
  if (!collect(proofs, [proveAnswer('second-recover: it finds nothing to do', second, 'nothing-to-do')])) return times;

  const undone = await watch.measure('roll back', () =>
    rescue(rehearsal, 'rollback', times.runId ?? '', '--yes', '--force'),
  );
  const restored = proveSameFiles('rollback: every byte is as it was', broken, await lab.snapshotFiles(cluster, deps));
  if (!collect(proofs, [proveAnswer('rollback: kube-rescue rollback succeeds', undone), restored])) return times;

  if (scenario.recovery?.refused !== undefined) {
    const death = await watch.measure('prove that it is down again', () => scenario.proveDeath(cluster, deps));
    if (!collect(proofs, nameProofs('death-again', death))) return times;
  }
  const again = await watch.measure('recover after the rollback', recover);
  if (!collect(proofs, [proveAnswer('recover-again: it comes back once more', again, 'done')])) return times;
  await proveLife(rehearsal, 'life-again', since);
  return times;
}

async function proveLife(
  { cluster, scenario, deps, watch, proofs }: KubeadmRehearsal,
  kind: string,
  since: Date,
): Promise<boolean> {
  const life = await watch.measure('prove that it serves', () => scenario.proveLife(cluster, { since }, deps));
  return collect(proofs, nameProofs(kind, life));
}

/** Runs kube-rescue on the first control plane. */
export function rescue(
  { cluster, deps, onLine, program }: Omit<KubeadmRehearsal, 'scenario'>,
  ...args: readonly string[]
): Promise<RescueAnswer> {
  return runRescue(cluster, args, { host: deps.host, signal: deps.signal, onLine, program });
}

/** Proves that what would divide the cluster is refused, by its code. That nothing was changed, the rollback proves, byte for byte. */
async function proveRefusals(rehearsal: KubeadmRehearsal): Promise<readonly Proof[]> {
  const proofs: Proof[] = [];
  for (const { title, words, code } of rehearsal.scenario.recovery?.refused?.(rehearsal.cluster) ?? []) {
    const { exitCode, envelope } = await rescue(rehearsal, ...words);
    const error = envelope?.ok === false ? envelope.error : undefined;
    const detail = `exit ${exitCode}: ${error?.message ?? ''} (${error?.code ?? ''})`;
    proofs.push({ name: `refused: ${title}`, ok: exitCode === 4 && error?.code === code, detail });
  }
  return proofs;
}

/** Carries the recovery out, then the kubectl lines that it prints, as an operator types them. */
async function rescueAsPrinted(rehearsal: KubeadmRehearsal, command: readonly string[]): Promise<RescueAnswer> {
  const { cluster, lab, deps, onLine } = rehearsal;
  const answer = await rescue(rehearsal, ...command);
  if (answer.envelope?.ok !== true) return answer;
  const { outcome, replacement } = answer.envelope.result as PrintedResult;
  const lines = (replacement?.steps ?? []).map((step) => step.command).filter((line) => line.startsWith('kubectl '));
  for (const line of outcome === 'done' ? lines : []) {
    onLine(`# ${line}`);
    await lab.runOnNode(cluster, ['sh', '-c', line], deps);
  }
  return answer;
}

/** The fields of an answer that say what is left to do. */
interface PrintedResult {
  readonly outcome: string;
  readonly replacement?: { readonly steps: readonly { readonly command: string }[] };
}

/** Keeps the proofs. Returns whether all of them hold. */
function collect(into: Proof[], proofs: readonly Proof[]): boolean {
  into.push(...proofs);
  return proofs.every(({ ok }) => ok);
}
