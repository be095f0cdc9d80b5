import type { Clock, Host } from '@kube-rescue/host';
import { type ClientHttp2Session, connect } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { EtcdEndpoint } from './endpoint.ts';
import { connectionFailure } from './connection-failure.ts';
import { EtcdError } from '../errors.ts';
import type { ServerIdentity } from './server-trust.ts';
import { secure } from './tls-handshake.ts';
import { createClientContext, type EtcdTls } from './tls-options.ts';

/** An established HTTP/2 connection to one member. */
export interface EtcdSession {
  readonly http2: ClientHttp2Session;
  /** `undefined` without TLS. */
  readonly server: ServerIdentity | undefined;
}

export interface SessionRequest {
  readonly endpoint: EtcdEndpoint;
  /** Required for an https endpoint. */
  readonly tls: EtcdTls | undefined;
  /** For the whole connection setup. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface SessionDeps {
  readonly host: Pick<Host, 'connect'>;
  readonly clock: Clock;
}

/**
 * Receive window: with a round trip of 100 ms it allows 80 MB per second, HTTP/2's default of 64 KiB only 640 KB.
 */
const WINDOW_BYTES = 8 * 1024 * 1024;
/** etcd splits responses into frames of this size; HTTP/2's default of 16 KiB takes a fifth more time. */
const FRAME_BYTES = 256 * 1024;

/**
 * Connects to a member and waits for its HTTP/2 settings, which a server sends only after it has accepted the client
 * certificate.
 *
 * @throws EtcdError when the member is unreachable, is not trusted, rejects the client certificate, or is not etcd
 */
export async function openSession(request: SessionRequest, deps: SessionDeps): Promise<EtcdSession> {
  const { endpoint, timeoutMs } = request;
  const deadline = AbortSignal.timeout(timeoutMs);
  const signal = request.signal === undefined ? deadline : AbortSignal.any([request.signal, deadline]);
  try {
    return await connectThrough(request, signal, deps);
  } catch (error) {
    request.signal?.throwIfAborted();
    if (error instanceof EtcdError) throw error;
    const hasClient = request.tls?.client !== undefined;
    throw connectionFailure(endpoint, deadline.aborted ? { timeoutMs, hasClient } : { hasClient }, error);
  }
}

async function connectThrough(
  { endpoint, tls, timeoutMs }: SessionRequest,
  signal: AbortSignal,
  { host, clock }: SessionDeps,
): Promise<EtcdSession> {
  if (endpoint.isTls && tls === undefined) throw noCa(endpoint);
  const context = tls && createClientContext(tls);
  const raw = await host.connect({ host: endpoint.host, port: endpoint.port, timeoutMs, signal });
  if (!endpoint.isTls || tls === undefined || context === undefined) {
    return { http2: await startHttp2(endpoint.url, raw, signal), server: undefined };
  }
  const { socket, server } = await secure({ raw, endpoint, tls, context, signal }, { clock });
  return { http2: await startHttp2(endpoint.url, socket, signal), server };
}

/**
 * HTTP/2 over an open connection, once the server's settings are there; the connection is destroyed on a failure.
 *
 * @param url the scheme and the authority of requests
 * @param signal aborts the wait for the settings
 * @throws what the connection failed with, or the signal's reason
 */
export async function startHttp2(url: string, socket: Duplex, signal: AbortSignal): Promise<ClientHttp2Session> {
  const http2 = connect(url, {
    createConnection: () => socket,
    settings: { initialWindowSize: WINDOW_BYTES, maxFrameSize: FRAME_BYTES, enablePush: false },
  });
  try {
    await firstSettingsOf(http2, socket, signal);
  } catch (error) {
    http2.destroy();
    socket.destroy();
    throw error;
  }
  // The setting is per stream; the window of the connection would stay at 64 KiB.
  http2.setLocalWindowSize(WINDOW_BYTES);
  // An idle connection must not keep the process alive; running requests do.
  http2.unref();
  http2.on('error', () => undefined);
  return http2;
}

function firstSettingsOf(http2: ClientHttp2Session, socket: Duplex, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      signal.removeEventListener('abort', abort);
      socket.off('error', fail).off('close', close);
      http2.off('error', fail).off('close', close).off('remoteSettings', done);
    };
    const fail = (error: unknown): void => {
      settle();
      // Later errors of an abandoned connection are ignored.
      socket.on('error', () => undefined);
      http2.on('error', () => undefined);
      reject(error);
    };
    const close = (): void => fail(new Error('the connection was closed before the first response'));
    const abort = (): void => fail(signal.reason);
    const done = (): void => {
      settle();
      resolve();
    };
    // The TLS alert that rejects the client certificate is an error of the socket; the session may not emit it.
    socket.once('error', fail).once('close', close);
    http2.once('error', fail).once('close', close).once('remoteSettings', done);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
  });
}

function noCa({ url }: EtcdEndpoint): EtcdError {
  return new EtcdError({
    code: 'ETCD_CREDENTIALS_INVALID',
    message: 'cannot verify the etcd server without its CA',
    subject: url,
    hint: 'pass the CA file of etcd, for kubeadm /etc/kubernetes/pki/etcd/ca.crt',
  });
}
