import type { Clock } from './clock.ts';
import { HostError } from './errors.ts';
import type { Host } from './host.ts';

/** The failure of a request to a server that took the connection, or did not refuse it, and said nothing until the time-out. */
export function isSilence(error: unknown): error is HostError {
  return error instanceof HostError && error.cause instanceof Error && error.cause.name === 'TimeoutError';
}

/**
 * A host that measures for how long servers were silent: these seconds are no work of the program that asked. Requests at the same
 * time count once. What else is done in these seconds is not subtracted.
 */
export function measureSilence<H extends Pick<Host, 'request'>>(
  host: H,
  { now }: Pick<Clock, 'now'>,
): { readonly host: H; readonly seconds: () => number } {
  let silentMs = 0;
  let countedTo = 0;
  const request: Host['request'] = async (probe) => {
    const asked = now().getTime();
    try {
      return await host.request(probe);
    } catch (error) {
      if (isSilence(error)) {
        const end = now().getTime();
        silentMs += Math.max(end - Math.max(asked, countedTo), 0);
        countedTo = end;
      }
      throw error;
    }
  };
  return { host: { ...host, request }, seconds: () => silentMs / 1000 };
}
