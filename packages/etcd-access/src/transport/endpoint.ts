import { EtcdError } from '../errors.ts';

/** A client URL of a member. */
export interface EtcdEndpoint {
  /** `https://10.0.0.1:2379`; also the endpoint's name in messages. */
  readonly url: string;
  /** Name or address, without brackets. */
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
}

const DEFAULT_PORT = 2379;
const HINT = 'use the form https://ADDRESS:2379';

/**
 * Parses a client URL of etcd.
 *
 * @param text `https://…` or `http://…`; default scheme: `https`
 * @throws EtcdError `ETCD_ENDPOINT_INVALID`, also for Unix sockets
 */
export function parseEndpoint(text: string): EtcdEndpoint {
  const url = text.includes('://') ? text : `https://${text}`;
  if (!URL.canParse(url)) throw invalid(text, 'not a URL');
  const { protocol, hostname, port, username, password, pathname } = new URL(url);
  if (protocol !== 'https:' && protocol !== 'http:') throw invalid(text, 'the scheme is neither http nor https');
  if (username !== '' || password !== '') throw invalid(`${protocol}//${hostname}`, 'it contains a user or a password');
  if (pathname !== '/' && pathname !== '') throw invalid(text, 'it contains a path');
  const host = hostname.replace(/^\[|\]$/g, '');
  // URL drops the default port of the scheme.
  const own = /:(\d+)\/?$/.exec(url)?.[1];
  const number = Number(port === '' ? (own ?? DEFAULT_PORT) : port);
  if (number === 0) throw invalid(text, 'the port is 0');
  return { url: `${protocol}//${hostname}:${number}`, host, port: number, isTls: protocol === 'https:' };
}

function invalid(subject: string, reason: string): EtcdError {
  return new EtcdError({
    code: 'ETCD_ENDPOINT_INVALID',
    message: `invalid endpoint: ${reason}`,
    subject,
    hint: HINT,
  });
}
