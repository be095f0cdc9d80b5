import { assertMayWrite, type Session } from './wiring.ts';

/**
 * Refuses to issue certificates, or to judge those that it installs, by a clock that is contradicted; see `assertClock`. Whether
 * this user may write is said before: only root can read everything that tells the time.
 *
 * @throws NodeError `CLOCK_CONTRADICTED` `CLOCK_UNCONFIRMED`; CliError `NOT_ROOT`
 */
export async function assertClockOf(
  flags: { readonly 'clock-is-right': boolean },
  { dryRun }: { readonly dryRun: boolean | undefined },
  { node, host, interruption }: Session,
): Promise<void> {
  if (dryRun !== true) assertMayWrite(host);
  const { assertClock } = await import('@kube-rescue/node');
  await assertClock(node, { isRight: flags['clock-is-right'] }, interruption.signal);
}
