/** What every program of the lab's cluster shares: it logs plainly, ends at once, and never gives up. */
import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 2_000;

/** Ends this process when it is asked to. The first process of a container has no default for these signals. */
export function endOnSignals(): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0));
}

/** Writes one line to standard error, with the time. */
export function logLine(text: string): void {
  process.stderr.write(`${new Date().toISOString()} ${text}\n`);
}

/** Ends this process with the one line that says why. */
export function fail(text: string, exitCode = 1): never {
  logLine(text);
  process.exit(exitCode);
}

/** The value of an environment variable that the program cannot do without. */
export function requireVariable(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') fail(`Missing required environment variable: ${name}`);
  return value;
}

/**
 * Does `attempt` until it succeeds, with a growing pause after each failure.
 *
 * The same reason is logged once, however often it comes back in a row.
 */
export async function retryForever<T>(what: string, attempt: () => Promise<T>): Promise<T> {
  let said = '';
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      return await attempt();
    } catch (error) {
      const reason = reasonOf(error);
      if (reason !== said) logLine(`${what}: ${reason}`);
      said = reason;
      await sleep(pauseMs);
    }
  }
}

/** What an error says, on one line. */
export function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll(/\s*\n\s*/g, '; ');
}
