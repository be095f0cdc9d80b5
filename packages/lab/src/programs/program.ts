/** Shared by the programs of the lab's cluster: logging, exit on signals, retries. */
import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 2_000;

/** Exits on SIGTERM and SIGINT. The first process of a container has no default action for them. */
export function endOnSignals(): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0));
}

/** Writes one line to standard error, with the time. */
export function logLine(text: string): void {
  process.stderr.write(`${new Date().toISOString()} ${text}\n`);
}

/** Logs the reason and exits. */
export function fail(text: string, exitCode = 1): never {
  logLine(text);
  process.exit(exitCode);
}

/** The value of a required environment variable. */
export function requireVariable(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') fail(`Missing required environment variable: ${name}`);
  return value;
}

/**
 * Repeats `attempt` until it succeeds, with a growing pause after each failure.
 *
 * A repeated reason is logged once.
 */
export async function retryForever<T>(what: string, attempt: () => Promise<T>): Promise<T> {
  let logged = '';
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      return await attempt();
    } catch (error) {
      const reason = reasonOf(error);
      if (reason !== logged) logLine(`${what}: ${reason}`);
      logged = reason;
      await sleep(pauseMs);
    }
  }
}

/** The message of an error, on one line. */
export function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll(/\s*\n\s*/g, '; ');
}
