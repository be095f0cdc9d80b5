import { type CertificateInventory, inspectCertificates } from '@kube-rescue/cert-rotation';
import { isRecoveryError } from '@kube-rescue/errors';
import { NodeError } from '../errors.ts';
import type { Node } from '../node.ts';
import { readClockEvidence } from './clock-evidence.ts';
import { type ClockJudgement, judgeClock } from './clock-judgement.ts';

const TIMEDATECTL_TIMEOUT_MS = 3_000;
export const SET_CLOCK = 'set the clock (`chronyc makestep`, `timedatectl set-time`), then run this again';

/**
 * Judges the clock of a node by everything else that knows the time. Reads only; on a copy, its files and certificates.
 *
 * @param known the certificates of the node, when they are inspected already
 * @throws as `Node.describe`
 */
export async function checkClock(
  node: Node,
  signal: AbortSignal,
  known?: CertificateInventory,
): Promise<ClockJudgement> {
  const now = node.clock.now();
  const inventory = known ?? (await inspectCertificates((await node.describe()).inspection, node));
  const [evidence, expiredCas] = [await readClockEvidence(node, inventory, signal), findExpiredCas(inventory, now)];
  const judgement = judgeClock(now, evidence, expiredCas);
  if (judgement.verdict === 'plausible' || evidence.isSynchronized || node.host.kind === 'copy') return judgement;
  // Slower than all other sources together, so only before an alarm.
  const isSynchronized = await askTimedatectl(node);
  return isSynchronized ? judgeClock(now, { ...evidence, isSynchronized }, expiredCas) : judgement;
}

function findExpiredCas({ cas }: CertificateInventory, now: Date): readonly Date[] {
  return cas.flatMap(({ bundle }) =>
    bundle.ok && bundle.value.every(({ notAfter }) => now > notAfter)
      ? bundle.value.map(({ notAfter }) => notAfter)
      : [],
  );
}

/** Whether the kernel says that its clock is synchronized, by whatever daemon (timedatectl(1)). */
async function askTimedatectl({ host }: Node): Promise<boolean> {
  try {
    const argv = ['timedatectl', 'show', '--property=NTPSynchronized', '--value'] as const;
    const { exitCode, stdout } = await host.exec([...argv], { timeoutMs: TIMEDATECTL_TIMEOUT_MS });
    return exitCode === 0 && stdout.trim() === 'yes';
  } catch (error) {
    if (isRecoveryError(error)) return false;
    throw error;
  }
}

/**
 * Refuses to go on when the clock is contradicted, or when an expired CA is to be reissued by a date that nothing else supports:
 * what is issued by a wrong clock is expired, or not valid yet, when the clock is set.
 *
 * @param isRight the operator says that the clock is right: nothing is read
 * @throws NodeError `CLOCK_CONTRADICTED` `CLOCK_UNCONFIRMED`, which name each source with its date; as `Node.describe`
 */
export async function assertClock(
  node: Node,
  { isRight }: { readonly isRight: boolean },
  signal: AbortSignal,
): Promise<void> {
  if (isRight) return;
  const { verdict, summary, evidence } = await checkClock(node, signal);
  if (verdict === 'plausible') return;
  throw new NodeError({
    code: verdict === 'unconfirmed' ? 'CLOCK_UNCONFIRMED' : 'CLOCK_CONTRADICTED',
    message: `nothing is issued or installed: ${summary}`,
    reasons: evidence,
    subject: node.host.name,
    hint: `${SET_CLOCK}; if the clock is right, pass --clock-is-right`,
  });
}
