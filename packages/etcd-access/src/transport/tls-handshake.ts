import type { Clock } from '@kube-rescue/host';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect, type SecureContext, type TLSSocket } from 'node:tls';
import type { EtcdEndpoint } from './endpoint.ts';
import { assertServerTrusted, type ServerIdentity } from './server-trust.ts';
import type { EtcdTls } from './tls-options.ts';

export interface SecuredSocket {
  readonly socket: TLSSocket;
  readonly server: ServerIdentity;
}

export interface HandshakeRequest {
  readonly raw: Duplex;
  readonly endpoint: EtcdEndpoint;
  readonly tls: EtcdTls;
  /** Created from `tls`. */
  readonly context: SecureContext;
  readonly signal: AbortSignal;
}

/**
 * Starts TLS on a plain connection and verifies the server before any data is sent.
 *
 * @throws EtcdError as {@link assertServerTrusted}; the socket's own error when the handshake fails
 */
export async function secure(
  { raw, endpoint, tls, context, signal }: HandshakeRequest,
  { clock }: { readonly clock: Clock },
): Promise<SecuredSocket> {
  const serverName = tls.serverName ?? endpoint.host;
  const socket = connect({
    socket: raw,
    secureContext: context,
    // RFC 6066, section 3 forbids addresses in SNI.
    ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
    ALPNProtocols: ['h2'],
    // Verified by assertServerTrusted, which insists on `authorized`: with true, Node would report "expired" even for an
    // untrusted server.
    rejectUnauthorized: false,
    // Node compares with "localhost" when no name is sent; assertServerTrusted compares with the right one.
    checkServerIdentity: () => undefined,
  });
  try {
    await handshakeOf(socket, signal);
    const now = clock.now();
    return { socket, server: assertServerTrusted({ socket, endpoint: endpoint.url, serverName, tls, now }) };
  } catch (error) {
    socket.destroy();
    raw.destroy();
    throw error;
  }
}

function handshakeOf(socket: TLSSocket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      signal.removeEventListener('abort', abort);
      socket.off('error', fail).off('close', close).off('secureConnect', done);
    };
    const fail = (error: unknown): void => {
      settle();
      // Later errors of an abandoned socket are ignored.
      socket.on('error', () => undefined);
      reject(error);
    };
    const close = (): void => fail(new Error('the connection was closed during the handshake'));
    const abort = (): void => fail(signal.reason);
    const done = (): void => {
      settle();
      resolve();
    };
    socket.once('error', fail).once('close', close).once('secureConnect', done);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
  });
}
