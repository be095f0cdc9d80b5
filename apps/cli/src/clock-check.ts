import type { Session } from './wiring.ts';

/**
 * Refuses to issue by a clock that is contradicted; see `assertClock`.
 * @throws NodeError `CLOCK_CONTRADICTED` `CLOCK_UNCONFIRMED`
 */
export async function assertClockOf(
  flags: { readonly 'clock-is-right': boolean },
  { node, interruption }: Session,
): Promise<void> {
  const { assertClock } = await import('@kube-rescue/node');
  await assertClock(node, { isRight: flags['clock-is-right'] }, interruption.signal);
}
