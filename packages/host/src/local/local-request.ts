import type { IncomingMessage, RequestOptions } from 'node:http';
import type { RequestOptions as TlsRequestOptions } from 'node:https';
import { isIP } from 'node:net';
import { TLSSocket } from 'node:tls';
import { HostError } from '../errors.ts';
import { errnoOf } from './fs-failure.ts';
import type { HttpAnswer, HttpProbe } from '../host.ts';

const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** One GET from this machine, on a new connection; the certificate of the peer is reported, not required to be valid. */
export async function requestLocally(probe: HttpProbe): Promise<HttpAnswer> {
  probe.signal?.throwIfAborted();
  const deadline = AbortSignal.timeout(probe.timeoutMs);
  const signal = probe.signal === undefined ? deadline : AbortSignal.any([probe.signal, deadline]);
  try {
    return await get(probe, signal);
  } catch (error) {
    probe.signal?.throwIfAborted();
    if (error instanceof HostError) throw error;
    const reason = deadline.aborted ? `no response within ${probe.timeoutMs} ms` : reasonOf(error);
    throw connectionFailed(probe.url, reason, deadline.aborted ? deadline.reason : error);
  }
}

async function get(probe: HttpProbe, signal: AbortSignal): Promise<HttpAnswer> {
  const url = new URL(probe.url);
  const isSecure = url.protocol === 'https:';
  // Loaded with the first request: loading is slow, and most commands send none.
  const { request: send } = await (isSecure ? import('node:https') : import('node:http'));
  const options = { ...(isSecure ? tlsOptions(probe) : {}), ...addressOptions(probe), agent: false, signal };
  return new Promise((resolve, reject) => {
    const request = send(url, options);
    request.on('error', reject);
    request.once('response', (response) => {
      const peer = response.socket instanceof TLSSocket ? peerOf(response.socket) : undefined;
      readBody(response, probe.url).then((body) => {
        const date = new Date(response.headers.date ?? Number.NaN);
        resolve({
          status: response.statusCode ?? 0,
          body,
          ...(Number.isNaN(date.getTime()) ? {} : { date }),
          ...(peer === undefined ? {} : { peer }),
        });
      }, reject);
    });
    request.end();
  });
}

function tlsOptions({ ca, client }: HttpProbe): TlsRequestOptions {
  return {
    rejectUnauthorized: false,
    // An empty list, not the system's roots: only the given CAs are trusted.
    ca: ca ?? [],
    ...(client === undefined ? {} : { cert: client.certificate, key: client.key }),
  };
}

/** Resolves the name to the given address; Host header and SNI keep the name. */
function addressOptions({ address }: HttpProbe): Pick<RequestOptions, 'lookup'> {
  if (address === undefined) return {};
  const family = isIP(address);
  return {
    lookup: (_name, { all }, answer) => {
      if (all === true) answer(null, [{ address, family }]);
      else answer(null, address, family);
    },
  };
}

function peerOf(socket: TLSSocket): HttpAnswer['peer'] {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  return {
    serialNumber: certificate.serialNumber.toUpperCase(),
    fingerprint256: certificate.fingerprint256,
    validTo: new Date(certificate.validTo),
    trusted: socket.authorized,
    // The types declare Error; Node sets OpenSSL's code, a string.
    reason: socket.authorized ? undefined : String(socket.authorizationError),
  };
}

/** Ends the connection to a peer that sends more than the bound. */
async function readBody(response: IncomingMessage, url: string): Promise<string> {
  const chunks: Buffer[] = [];
  let total = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    total += chunk.length;
    if (total > MAX_BODY_BYTES) throw tooLarge(url);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function reasonOf(error: unknown): string {
  // An AggregateError (one failure for each address of a name) has a code but no message.
  const message = error instanceof Error ? error.message : String(error);
  return message === '' ? (errnoOf(error) ?? 'no reason given') : message;
}

const HINTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused: check the component with crictl ps -a and its log',
  ECONNRESET: 'the peer closed the connection: see its log',
  ENOTFOUND: 'the name does not resolve: check it in /etc/hosts and with getent hosts',
};

function connectionFailed(url: string, reason: string, cause: unknown): HostError {
  return new HostError({
    code: 'HOST_CONNECTION_FAILED',
    message: `no response: ${reason}`,
    subject: withoutCredentials(url),
    hint: HINTS[errnoOf(cause) ?? ''] ?? 'check the address and that the component behind it runs',
    cause,
  });
}

function tooLarge(url: string): HostError {
  return new HostError({
    code: 'HOST_ANSWER_TOO_LARGE',
    message: `the answer has more than ${MAX_BODY_BYTES} bytes`,
    subject: withoutCredentials(url),
    hint: 'check which process answers at this address',
  });
}

function withoutCredentials(url: string): string {
  if (!URL.canParse(url)) return url;
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}
