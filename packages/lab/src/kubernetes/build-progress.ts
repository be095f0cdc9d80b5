import type { Clock } from '@kube-rescue/host';
import type { Report } from './binary-store.ts';

const INTERVAL_MS = 10_000;
/** Before, the time left would be a guess. */
const ESTIMATE_FROM = 0.1;
const MS_PER_MINUTE = 60_000;

/**
 * Takes the lines of `go build -v`, one for each package that the compiler starts on, and reports every ten seconds how many there
 * were, and the time left.
 *
 * @param total how many packages have to be compiled; `undefined`: unknown
 */
export function trackPackages(
  total: number | undefined,
  report: Report,
  clock: Pick<Clock, 'now'>,
): (line: string) => void {
  const startedAt = clock.now().getTime();
  let compiled = 0;
  let reportedAt = startedAt;
  return (line) => {
    compiled += 1;
    const now = clock.now().getTime();
    if (now - reportedAt < INTERVAL_MS) return;
    reportedAt = now;
    const of = total === undefined ? '' : ` of ${Math.max(total, compiled)}`;
    report(`compiled ${compiled}${of} packages, now ${line}${timeLeft(compiled, total, now - startedAt)}`);
  };
}

function timeLeft(compiled: number, total: number | undefined, elapsedMs: number): string {
  if (total === undefined || compiled < total * ESTIMATE_FROM) return '';
  if (compiled >= total) return ', linking';
  const minutes = Math.ceil(((elapsedMs / compiled) * (total - compiled)) / MS_PER_MINUTE);
  return `, about ${minutes} min left`;
}
