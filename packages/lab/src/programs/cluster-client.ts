/** The little of a Kubernetes API client that the programs of the lab's cluster need. */
import { readFileSync } from 'node:fs';
import { type ClientRequest, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { TLSSocket } from 'node:tls';

/** What client-go grants a TLS handshake. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
const ANSWER_TIMEOUT_MS = 30_000;

/** Where an API server is and how this program shows who it is. */
export interface ClusterAccess {
  /** For example `https://10.3.0.1:443`. */
  readonly server: string;
  /** PEM of the CA that the server's certificate must be on; the system's own when there is none. */
  readonly ca?: string | undefined;
  /** Client certificate and key in PEM. */
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  /** Read anew for each request: a token may be replaced while the program runs. */
  readonly token?: (() => string) | undefined;
}

/**
 * The access that every container is given: the Service's address, a token and a CA.
 *
 * Like client-go it reads the CA once. A program whose ca.crt was replaced afterwards goes on with the old one.
 */
export function inClusterAccess(environment: Readonly<Record<string, string | undefined>>): ClusterAccess {
  const {
    KUBERNETES_SERVICE_HOST: host,
    KUBERNETES_SERVICE_PORT: port = '443',
    // For a program that runs outside of a container.
    SERVICE_ACCOUNT_FOLDER: folder = '/var/run/secrets/kubernetes.io/serviceaccount',
  } = environment;
  if (host === undefined || host === '') {
    throw new Error('unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST must be defined');
  }
  return {
    server: `https://${host}:${port}`,
    ca: readFileSync(`${folder}/ca.crt`, 'utf8'),
    token: () => readFileSync(`${folder}/token`, 'utf8').trim(),
  };
}

/**
 * Reads a kubeconfig of one cluster and one user, in YAML or JSON.
 *
 * It looks for the known keys by name; it does not understand contexts.
 */
export function readKubeconfig(path: string): ClusterAccess {
  const text = readFileSync(path, 'utf8');
  const server = valueOf(text, 'server');
  if (server === undefined) throw new Error(`invalid configuration: no server has been defined in ${path}`);
  const token = valueOf(text, 'token');
  const tokenFile = valueOf(text, 'tokenFile');
  return {
    server: server.replace(/\/$/, ''),
    ca: pemOf(text, 'certificate-authority'),
    certificate: pemOf(text, 'client-certificate'),
    key: pemOf(text, 'client-key'),
    token:
      tokenFile === undefined
        ? token === undefined
          ? undefined
          : () => token
        : () => readFileSync(tokenFile, 'utf8').trim(),
  };
}

function pemOf(text: string, key: string): string | undefined {
  const data = valueOf(text, `${key}-data`);
  if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8');
  const path = valueOf(text, key);
  return path === undefined ? undefined : readFileSync(path, 'utf8');
}

function valueOf(text: string, key: string): string | undefined {
  return new RegExp(`(?:^|[\\s{,])"?${key}"?:\\s*"?([^"\\s,}]+)"?`, 'm').exec(text)?.[1];
}

/** Reads an object or a list. @throws Error that says what went wrong as client-go would */
export function getObject<T>(access: ClusterAccess, path: string): Promise<T> {
  return ask<T>(access, 'GET', path);
}

/** Merges `patch` into an object (RFC 7386). */
export function patchObject<T>(access: ClusterAccess, path: string, patch: unknown): Promise<T> {
  return ask<T>(access, 'PATCH', path, JSON.stringify(patch));
}

async function ask<T>(access: ClusterAccess, method: string, path: string, body?: string): Promise<T> {
  const url = `${access.server}${path}`;
  const token = access.token?.();
  const headers = {
    Accept: 'application/json',
    ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    ...(body === undefined
      ? {}
      : { 'Content-Type': 'application/merge-patch+json', 'Content-Length': Buffer.byteLength(body) }),
  };
  const verb = `${method.slice(0, 1)}${method.slice(1).toLowerCase()}`;
  const { status, text } = await exchange(access, url, { method, headers, body }).catch((error: unknown) => {
    throw new Error(`${verb} ${url}: ${transportReason(error, access.server)}`, { cause: error });
  });
  if (status >= 200 && status < 300) return JSON.parse(text) as T;
  throw new Error(statusMessage(status, text));
}

interface Question {
  readonly method: string;
  readonly headers: Record<string, string | number>;
  readonly body: string | undefined;
}

// Each question has a connection of its own, so what is seen is the server and its certificate of this moment.
function exchange(access: ClusterAccess, url: string, { method, headers, body }: Question) {
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const { ca, certificate: cert, key } = access;
    const options = { method, headers, agent: false as const };
    const request = url.startsWith('https:')
      ? requestHttps(url, { ...options, ca, cert, key })
      : requestHttp(url, options);
    limitTime(request, url.startsWith('https:'));
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
      );
    });
    request.end(body);
  });
}

function limitTime(request: ClientRequest, secure: boolean): void {
  let reason = 'dial tcp: i/o timeout';
  const give = (ms: number) => setTimeout(() => request.destroy(new Error(reason)), ms);
  let timer = give(HANDSHAKE_TIMEOUT_MS);
  const goOn = (next: string, ms: number) => {
    clearTimeout(timer);
    reason = next;
    timer = give(ms);
  };
  const awaitAnswer = () => goOn('net/http: request canceled (Client.Timeout exceeded)', ANSWER_TIMEOUT_MS);
  request.on('socket', (socket) => {
    socket.once('connect', () =>
      secure ? goOn('net/http: TLS handshake timeout', HANDSHAKE_TIMEOUT_MS) : awaitAnswer(),
    );
    (socket as TLSSocket).once('secureConnect', awaitAnswer);
  });
  request.on('close', () => clearTimeout(timer));
}

function statusMessage(status: number, text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: string };
    if (message !== undefined && message !== '') return message;
  } catch {
    // Not a Status object; a proxy may have answered.
  }
  return `the server has answered with status ${status}`;
}

const REASONS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'x509: certificate has expired or is not yet valid',
  CERT_NOT_YET_VALID: 'x509: certificate has expired or is not yet valid',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'x509: certificate signed by unknown authority',
  UNABLE_TO_GET_ISSUER_CERT: 'x509: certificate signed by unknown authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'x509: certificate signed by unknown authority',
  SELF_SIGNED_CERT_IN_CHAIN: 'x509: certificate signed by unknown authority',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'x509: certificate signed by unknown authority',
  CERT_SIGNATURE_FAILURE: 'x509: certificate signed by unknown authority',
  CERT_UNTRUSTED: 'x509: certificate signed by unknown authority',
  ERR_TLS_CERT_ALTNAME_INVALID: 'x509: certificate is valid for other names than the one that was asked for',
  ECONNREFUSED: 'connect: connection refused',
  ECONNRESET: 'read: connection reset by peer',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ETIMEDOUT: 'connect: connection timed out',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'server misbehaving',
};

const DIALLING = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN']);

function transportReason(error: unknown, server: string): string {
  const { code = '', message } = error as Error & { code?: string };
  const reason = REASONS[code] ?? message;
  return DIALLING.has(code) ? `dial tcp ${server.replace(/^\w+:\/\//, '')}: ${reason}` : reason;
}
