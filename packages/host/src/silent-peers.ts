import type { Clock } from './clock.ts';
import type { HostError } from './errors.ts';
import type { Host, HttpAnswer, HttpProbe } from './host.ts';
import { isSilence } from './silence.ts';

/** Longer than any plan takes, shorter than a server needs to come back unnoticed. */
const MEMORY_MS = 15_000;

/** Requests that fail at once where a server took the connection a moment ago and said nothing until the time-out. */
export interface SilentPeers {
  request(probe: HttpProbe): Promise<HttpAnswer>;
  forget(): void;
}

/**
 * Remembers servers that were silent: a look at a node asks the same dead API server several times, also at once, and each time-out
 * is seconds of an outage. A refused connection is no silence; asking again costs nothing. Nor is a server that was given less time
 * than now: it may only be slow.
 */
export function createSilentPeers({
  host,
  clock,
}: {
  readonly host: Pick<Host, 'request'>;
  readonly clock: Pick<Clock, 'now'>;
}): SilentPeers {
  const silent = new Map<string, { readonly failure: HostError; readonly at: number; readonly timeoutMs: number }>();
  const asked = new Map<string, { readonly silence: Promise<never>; readonly timeoutMs: number }>();
  const ask = async (peer: string, probe: HttpProbe): Promise<HttpAnswer> => {
    try {
      return await host.request(probe);
    } catch (error) {
      if (isSilence(error)) {
        silent.set(peer, { failure: error, at: clock.now().getTime(), timeoutMs: probe.timeoutMs });
      }
      throw error;
    }
  };
  return {
    forget: () => {
      silent.clear();
      asked.clear();
    },
    request: async (probe) => {
      const peer = `${new URL(probe.url).origin} ${probe.address ?? ''}`;
      const known = silent.get(peer);
      probe.signal?.throwIfAborted();
      if (known !== undefined && known.timeoutMs >= probe.timeoutMs) {
        const ageMs = clock.now().getTime() - known.at;
        if (ageMs >= 0 && ageMs < MEMORY_MS) throw known.failure;
      }
      const earlier = asked.get(peer);
      // Whoever asked first knows of the silence first.
      if (earlier !== undefined && earlier.timeoutMs >= probe.timeoutMs) {
        const told = new AbortController();
        const signal = AbortSignal.any([told.signal, ...(probe.signal === undefined ? [] : [probe.signal])]);
        return Promise.race([ask(peer, { ...probe, signal }), earlier.silence]).finally(() => told.abort());
      }
      const answer = ask(peer, probe);
      const silence = new Promise<never>((_resolve, reject) => {
        answer.catch((error: unknown) => {
          if (isSilence(error)) reject(error);
        });
      });
      silence.catch(() => undefined);
      const own = { silence, timeoutMs: probe.timeoutMs };
      asked.set(peer, own);
      try {
        return await answer;
      } finally {
        if (asked.get(peer) === own) asked.delete(peer);
      }
    },
  };
}
