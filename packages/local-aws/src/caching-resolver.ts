import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';

/** The address of a DNS server. */
export interface DnsEndpoint {
  readonly address: string;
  readonly port: number;
}

/** A recursive resolver that queries the servers of the caller's routing function, and can freeze its cache. */
export interface CachingResolver extends DnsEndpoint {
  /** Freezes the cache: every cached answer is repeated regardless of its TTL. */
  freeze(): void;
  /** Gives up every query that is not answered yet; once it resolves, nothing is sent any more. */
  stop(): Promise<void>;
}

const HEADER_BYTES = 12;
const RCODE_SERVFAIL = 2;
const TIMEOUT_MS = 2000;

/**
 * Starts a resolver, UDP only. It forwards packets and does not parse answers.
 *
 * @param endpoint port 0: any free port
 * @param route the authoritative server for a name without its last dot; `undefined` makes the answer SERVFAIL
 */
export async function startCachingResolver(
  endpoint: DnsEndpoint,
  route: (name: string) => DnsEndpoint | undefined,
): Promise<CachingResolver> {
  const socket = createSocket('udp4').bind(endpoint.port, endpoint.address);
  await once(socket, 'listening');
  const answers = new Map<string, Buffer>();
  let isFrozen = false;
  const answer = async (query: Buffer, signal: AbortSignal): Promise<Buffer> => {
    const question = query.subarray(2).toString('latin1');
    const cached = answers.get(question);
    if (isFrozen && cached !== undefined) return withId(cached, query);
    const upstream = route(questionName(query));
    if (upstream === undefined) return failure(query);
    const fresh = recursive(await forward(query, upstream, signal));
    answers.set(question, fresh);
    return fresh;
  };
  const stopping = new AbortController();
  const reply = (message: Buffer, { address, port }: RemoteInfo): void => {
    if (!stopping.signal.aborted) socket.send(message, port, address);
  };
  const pending = new Set<Promise<void>>();
  socket.on('message', (query: Buffer, from: RemoteInfo) => {
    const replied = answer(query, stopping.signal).then(
      (message) => reply(message, from),
      () => reply(failure(query), from),
    );
    pending.add(replied);
    void replied.finally(() => pending.delete(replied));
  });
  return {
    address: endpoint.address,
    port: socket.address().port,
    freeze: () => {
      isFrozen = true;
    },
    stop: async () => {
      stopping.abort();
      const closed = once(socket, 'close');
      socket.close();
      await Promise.all([closed, ...pending]);
    },
  };
}

async function forward(query: Buffer, { address, port }: DnsEndpoint, signal: AbortSignal): Promise<Buffer> {
  const socket = createSocket('udp4');
  try {
    const reply = once(socket, 'message', { signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) });
    socket.send(query, port, address);
    const [message] = (await reply) as [Buffer];
    return message;
  } finally {
    socket.close();
  }
}

/** The name in the question, which is never compressed (RFC 1035, section 4.1.2). */
function questionName(query: Buffer): string {
  const labels: string[] = [];
  for (let at = HEADER_BYTES; (query[at] ?? 0) > 0; at += (query[at] ?? 0) + 1) {
    labels.push(query.toString('latin1', at + 1, at + 1 + (query[at] ?? 0)));
  }
  return labels.join('.').toLowerCase();
}

/** Sets "recursion available" and clears "authoritative", as a resolver does. */
function recursive(message: Buffer): Buffer {
  const reply = Buffer.from(message);
  reply[2] = (reply[2] ?? 0) & ~0x04;
  reply[3] = (reply[3] ?? 0) | 0x80;
  return reply;
}

function withId(cached: Buffer, query: Buffer): Buffer {
  const reply = Buffer.from(cached);
  query.copy(reply, 0, 0, 2);
  return reply;
}

function failure(query: Buffer): Buffer {
  const reply = Buffer.from(query);
  reply[2] = (reply[2] ?? 0) | 0x80;
  reply[3] = 0x80 | RCODE_SERVFAIL;
  return reply;
}
