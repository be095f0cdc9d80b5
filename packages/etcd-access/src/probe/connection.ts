import { isRecoveryError } from '@kube-rescue/errors';
import type { HostPath } from '@kube-rescue/host';
import type { ClientCredentials } from './client-credentials.ts';
import type { EtcdError, EtcdErrorCode } from '../errors.ts';
import { openEtcd } from '../client/open-etcd.ts';
import { type EtcdClient, type EtcdDeps } from '../client/etcd-client.ts';
import type { Found, PairPaths } from './etcd-sources.ts';

/** One combination and its result. */
export interface ProbeAttempt {
  /** `undefined` when ruled out before any request. */
  readonly endpoint: string | undefined;
  readonly ca: HostPath | undefined;
  readonly client: PairPaths | undefined;
  /** Verified server name, where it is not the endpoint's own. */
  readonly serverName: string | undefined;
  /** `no-quorum`: works for serializable reads. `ruled-out`: unusable files, not tried. */
  readonly outcome: 'works' | 'no-quorum' | 'failed' | 'ruled-out';
  readonly code: EtcdErrorCode | undefined;
  readonly message: string;
  readonly isServerExpired: boolean;
}

export interface Credentials {
  readonly cas: readonly (Found<HostPath> & { readonly pem: string })[];
  readonly clients: readonly ClientCredentials[];
  /** Further names in server certificates of this cluster. */
  readonly serverNames: readonly string[];
}

export interface ConnectionRequest {
  readonly endpoint: string;
  readonly credentials: Credentials;
  readonly acceptExpiredServer: boolean;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

const ANY_KEY = new TextEncoder().encode('health');

/**
 * Tries one endpoint until a combination works or none is left.
 *
 * The failure of an attempt decides the next one: another CA when the server is not
 * trusted, another name on a name mismatch, another client certificate when it was rejected.
 */
export async function findConnection(request: ConnectionRequest, deps: EtcdDeps): Promise<readonly ProbeAttempt[]> {
  const attempts: ProbeAttempt[] = [];
  const isTls = !request.endpoint.startsWith('http://');
  const { cas: known } = request.credentials;
  // Without any CA, one attempt reports the missing CA.
  const cas = isTls && known.length > 0 ? known : [undefined];
  const clients = isTls ? [...request.credentials.clients, undefined] : [undefined];
  for (const ca of cas) {
    const names: (string | undefined)[] = isTls ? [undefined, ...request.credentials.serverNames] : [undefined];
    let client = 0;
    for (let name = 0; name < names.length && client < clients.length; ) {
      request.signal?.throwIfAborted();
      const attempt = await tryOnce(request, { ca, client: clients[client], serverName: names[name] }, deps);
      attempts.push(attempt);
      if (attempt.outcome !== 'failed') return attempts;
      if (attempt.code === 'ETCD_CLIENT_REJECTED') client += 1;
      else if (attempt.code === 'ETCD_NAME_MISMATCH') name += 1;
      else if (attempt.code === 'ETCD_TLS_UNTRUSTED') break;
      // Unreachable, not etcd, or an expired server certificate: no other combination changes that.
      else return attempts;
    }
  }
  return attempts;
}

interface Combination {
  readonly ca: (Found<HostPath> & { readonly pem: string }) | undefined;
  readonly client: ClientCredentials | undefined;
  readonly serverName: string | undefined;
}

async function tryOnce(
  { endpoint, acceptExpiredServer, timeoutMs, signal }: ConnectionRequest,
  { ca, client, serverName }: Combination,
  deps: EtcdDeps,
): Promise<ProbeAttempt> {
  const what = { endpoint, ca: ca?.value, client: client?.value, serverName };
  const pair = client && { certificate: client.certificate, key: client.key };
  const tls = ca && { ca: ca.pem, client: pair, serverName, acceptExpiredServer };
  let etcd: EtcdClient | undefined;
  try {
    etcd = await openEtcd(
      { endpoints: [endpoint], tls, connectTimeoutMs: timeoutMs, requestTimeoutMs: timeoutMs, signal },
      deps,
    );
    const isServerExpired = (await etcd.serverIdentity(endpoint))?.isExpired ?? false;
    return { ...what, ...(await askForKey(etcd, signal)), isServerExpired };
  } catch (error) {
    signal?.throwIfAborted();
    if (!isRecoveryError(error)) throw error;
    const { code, message } = error as EtcdError;
    return { ...what, outcome: 'failed', code, message, isServerExpired: false };
  } finally {
    etcd?.close();
  }
}

async function askForKey(
  etcd: EtcdClient,
  signal: AbortSignal | undefined,
): Promise<Pick<ProbeAttempt, 'outcome' | 'code' | 'message'>> {
  try {
    await readKey(etcd, signal);
    return { outcome: 'works', code: undefined, message: 'works' };
  } catch (error) {
    if (!isRecoveryError(error, 'ETCD_NO_QUORUM', 'ETCD_TIMEOUT', 'ETCD_UNREACHABLE')) throw error;
    await etcd.range({ start: ANY_KEY, countOnly: true, serializable: true, signal });
    const message = 'connected, but etcd has no quorum: reads only';
    return { outcome: 'no-quorum', code: 'ETCD_NO_QUORUM', message };
  }
}

/** A member aborts a read when it loses its leader ("leader changed"); the next read shows whether there is another leader. */
async function readKey(etcd: EtcdClient, signal: AbortSignal | undefined): Promise<void> {
  const read = async (): Promise<unknown> => etcd.range({ start: ANY_KEY, countOnly: true, signal });
  try {
    await read();
  } catch (error) {
    if (!isRecoveryError(error, 'ETCD_UNREACHABLE')) throw error;
    await read();
  }
}
