import { once } from 'node:events';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import type { Host } from '@kube-rescue/host';

/** Opens TCP connections; that of a copy of a machine's files refuses every one. */
export type Dial = Host['connect'];

/** What undici passes to a function that connects. */
interface ConnectTarget {
  readonly hostname: string;
  readonly port: string;
  readonly servername?: string | undefined;
}

type Connected = (...result: [null, TLSSocket] | [Error, null]) => void;

const HTTPS_PORT = 443;
/** undici's own code: no connection, so nothing was sent. */
const NOT_CONNECTED = 'UND_ERR_CONNECT_TIMEOUT';

/**
 * A function that connects for undici: TCP through `dial`, then TLS with `tls` on top.
 * @param timeoutMs for each of the two
 */
export function connectThrough(dial: Dial, tls: ConnectionOptions, timeoutMs: number) {
  return (target: ConnectTarget, connected: Connected): void => {
    openTls(target, { dial, tls, timeoutMs }).then(
      (socket) => connected(null, socket),
      (error: unknown) => connected(notConnected(error), null),
    );
  };
}

async function openTls(
  { hostname, port, servername }: ConnectTarget,
  { dial, tls, timeoutMs }: { readonly dial: Dial; readonly tls: ConnectionOptions; readonly timeoutMs: number },
): Promise<TLSSocket> {
  // The URL writes an IPv6 address in brackets.
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const raw = await dial({ host, port: port === '' ? HTTPS_PORT : Number(port), timeoutMs });
  const socket = connectTls({
    ...tls,
    host,
    servername: tls.servername ?? servername ?? '',
    ALPNProtocols: ['http/1.1'],
    socket: raw,
  });
  const deadline = setTimeout(() => socket.destroy(new Error('no TLS handshake in time')), timeoutMs);
  try {
    await once(socket, 'secureConnect');
    return socket;
  } catch (error) {
    raw.destroy();
    throw error;
  } finally {
    clearTimeout(deadline);
  }
}

/** With the code that says why; without one, a code that says that nothing was sent. */
function notConnected(error: unknown): Error {
  const code = innermostCode(error) ?? NOT_CONNECTED;
  return Object.assign(new Error('no connection'), { code });
}

function innermostCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const inner = innermostCode(error.cause);
  if (inner !== undefined) return inner;
  return 'code' in error && typeof error.code === 'string' && !error.code.startsWith('HOST_') ? error.code : undefined;
}
