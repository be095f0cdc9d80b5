/** A minimal Kubernetes API client for the programs of the lab's cluster. */
import { readFileSync } from 'node:fs';
import { type ClientRequest, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { TLSSocket } from 'node:tls';

/** The TLS handshake timeout of client-go. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
const ANSWER_TIMEOUT_MS = 30_000;

/** The address of an API server and the credentials of this program. */
export interface ClusterAccess {
  /** For example `https://10.3.0.1:443`. */
  readonly server: string;
  /** PEM of the CA that must have signed the server certificate. Default: the system's CAs. */
  readonly ca?: string | undefined;
  /** Client certificate and key in PEM. */
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  /** Read for each request: a token may be replaced while the program runs. */
  readonly token?: (() => string) | undefined;
}

/**
 * The in-cluster access of a container: the Service's address, a token and a CA.
 *
 * Like client-go it reads the CA once; a running program does not notice a new ca.crt.
 */
export function inClusterAccess(environment: Readonly<Record<string, string | undefined>>): ClusterAccess {
  const {
    KUBERNETES_SERVICE_HOST: host,
    KUBERNETES_SERVICE_PORT: port = '443',
    // For a program outside a container.
    SERVICE_ACCOUNT_DIRECTORY: directory = '/var/run/secrets/kubernetes.io/serviceaccount',
  } = environment;
  if (host === undefined || host === '') {
    throw new Error('unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST must be defined');
  }
  return {
    server: `https://${host}:${port}`,
    ca: readFileSync(`${directory}/ca.crt`, 'utf8'),
    token: () => readFileSync(`${directory}/token`, 'utf8').trim(),
  };
}

/**
 * Reads a kubeconfig of one cluster and one user, in YAML or JSON.
 *
 * It searches for known keys by name; it does not understand contexts.
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

/** Reads an object or a list. @throws Error with the message of client-go */
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

interface ApiRequest {
  readonly method: string;
  readonly headers: Record<string, string | number>;
  readonly body: string | undefined;
}

// Each request opens a connection, so that it verifies the current server certificate.
function exchange(access: ClusterAccess, url: string, { method, headers, body }: ApiRequest) {
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
  const startTimer = (ms: number) => setTimeout(() => request.destroy(new Error(reason)), ms);
  let timer = startTimer(HANDSHAKE_TIMEOUT_MS);
  const restartTimer = (next: string, ms: number) => {
    clearTimeout(timer);
    reason = next;
    timer = startTimer(ms);
  };
  const awaitAnswer = () => restartTimer('net/http: request canceled (Client.Timeout exceeded)', ANSWER_TIMEOUT_MS);
  request.on('socket', (socket) => {
    socket.once('connect', () =>
      secure ? restartTimer('net/http: TLS handshake timeout', HANDSHAKE_TIMEOUT_MS) : awaitAnswer(),
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
  ERR_TLS_CERT_ALTNAME_INVALID: 'x509: certificate is valid for other names than the requested one',
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
