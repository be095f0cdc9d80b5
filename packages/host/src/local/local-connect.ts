import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { HostError } from '../errors.ts';
import { errnoOf } from './fs-failure.ts';
import type { TcpTarget } from '../host.ts';

/** A TCP connection from this machine. */
export async function connectLocally(target: TcpTarget): Promise<Duplex> {
  target.signal?.throwIfAborted();
  const deadline = AbortSignal.timeout(target.timeoutMs);
  const signal = target.signal === undefined ? deadline : AbortSignal.any([target.signal, deadline]);
  try {
    return await open(target, signal);
  } catch (error) {
    target.signal?.throwIfAborted();
    throw connectionFailed(target, deadline.aborted ? `no response within ${target.timeoutMs} ms` : undefined, error);
  }
}

function open({ host, port }: TcpTarget, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true });
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

function connectionFailed({ host, port }: TcpTarget, reason: string | undefined, cause: unknown): HostError {
  const errno = errnoOf(cause);
  return new HostError({
    code: 'HOST_CONNECTION_FAILED',
    message: `cannot connect: ${reason ?? errno ?? 'no reason given'}`,
    subject: `${host.includes(':') ? `[${host}]` : host}:${port}`,
    hint: HINTS[errno ?? ''] ?? 'check the address and firewalls',
    cause,
  });
}
