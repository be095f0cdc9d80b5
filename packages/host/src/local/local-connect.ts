import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { HostError } from '../errors.ts';
import { errnoOf } from './fs-failure.ts';
import type { TcpTarget, UnixTarget } from '../host.ts';

/** A TCP connection from this machine. */
export function connectLocally(target: TcpTarget): Promise<Duplex> {
  const { host, port } = target;
  return opened(target, () => connect({ host, port, noDelay: true }), {
    subject: `${host.includes(':') ? `[${host}]` : host}:${port}`,
    hints: HINTS,
    otherwise: 'check the address and firewalls',
  });
}

/** A connection to a Unix socket of this machine. */
export function connectUnixLocally(target: UnixTarget): Promise<Duplex> {
  return opened(target, () => connect({ path: target.path }), {
    subject: target.path,
    hints: UNIX_HINTS,
    otherwise: 'check that its server runs, and the permissions of the socket',
  });
}

interface Explanation {
  readonly subject: string;
  /** By the error number's name. */
  readonly hints: Readonly<Record<string, string>>;
  readonly otherwise: string;
}

async function opened(
  target: Pick<TcpTarget, 'timeoutMs' | 'signal'>,
  start: () => Socket,
  explanation: Explanation,
): Promise<Duplex> {
  target.signal?.throwIfAborted();
  const deadline = AbortSignal.timeout(target.timeoutMs);
  const signal = target.signal === undefined ? deadline : AbortSignal.any([target.signal, deadline]);
  try {
    return await open(start, signal);
  } catch (error) {
    target.signal?.throwIfAborted();
    const reason = deadline.aborted ? `no response within ${target.timeoutMs} ms` : undefined;
    throw connectionFailed(explanation, reason, error);
  }
}

function open(start: () => Socket, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = start();
    const abort = (): void => {
      socket.destroy(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    };
    const settle = (): void => {
      signal.removeEventListener('abort', abort);
      socket.off('error', fail);
    };
    const fail = (error: Error): void => {
      settle();
      reject(error);
    };
    signal.addEventListener('abort', abort, { once: true });
    socket.once('error', fail);
    socket.once('connect', () => {
      settle();
      resolve(socket);
    });
  });
}

const HINTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused: check that the component runs and its listen address',
  EHOSTUNREACH: 'no route: check the address and the routes with ip route get',
  ENETUNREACH: 'no route: check the address and the routes with ip route get',
  ENOTFOUND: 'the name does not resolve: check it in /etc/hosts and with getent hosts',
};

const UNIX_HINTS: Readonly<Record<string, string>> = {
  ENOENT: 'no such socket: start its server, or check the path',
  ECONNREFUSED: 'no process serves the socket: start its server',
};

function connectionFailed(
  { subject, hints, otherwise }: Explanation,
  reason: string | undefined,
  cause: unknown,
): HostError {
  const errno = errnoOf(cause);
  return new HostError({
    code: 'HOST_CONNECTION_FAILED',
    message: `cannot connect: ${reason ?? errno ?? 'no reason given'}`,
    subject,
    hint: hints[errno ?? ''] ?? otherwise,
    cause,
  });
}
