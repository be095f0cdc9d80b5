import { createLocalHost, systemClock } from '@kube-rescue/host';
import { ClusterCalls } from '../transport/cluster-calls.ts';
import { parseEndpoint } from '../transport/endpoint.ts';
import { EtcdError } from '../errors.ts';
import { createEtcdKv } from './etcd-kv.ts';
import { MemberCalls } from '../transport/member-calls.ts';
import { assertTlsShape } from '../transport/tls-options.ts';
import { createMaintenance } from './maintenance.ts';
import type { EtcdClient, EtcdDeps, EtcdOptions } from './etcd-client.ts';

const CONNECT_TIMEOUT_MS = 5000;
const REQUEST_TIMEOUT_MS = 10_000;

/**
 * Connects to etcd: to the first endpoint that responds with a trusted certificate.
 *
 * A server is trusted when its certificate was signed by the given CA, is for the name of the endpoint and no certificate has
 * expired; see `EtcdTls` for the one exception. Does not guarantee quorum.
 *
 * @param deps default: sockets and clock of this machine
 * @throws EtcdError `ETCD_ENDPOINT_INVALID` `ETCD_CREDENTIALS_INVALID` `ETCD_UNREACHABLE` `ETCD_TIMEOUT` `ETCD_NOT_ETCD`
 * `ETCD_TLS_UNTRUSTED` `ETCD_NAME_MISMATCH` `ETCD_SERVER_EXPIRED` `ETCD_CLIENT_REJECTED`
 */
export async function openEtcd(options: EtcdOptions, deps: Partial<EtcdDeps> = {}): Promise<EtcdClient> {
  const { host = createLocalHost(), clock = systemClock } = deps;
  const { tls, connectTimeoutMs = CONNECT_TIMEOUT_MS, requestTimeoutMs = REQUEST_TIMEOUT_MS, signal } = options;
  if (tls !== undefined) assertTlsShape(tls);
  const endpoints = options.endpoints.map((each) => parseEndpoint(each).url);
  if (endpoints.length === 0) throw noEndpoint();
  const members = new MemberCalls({ tls, connectTimeoutMs, requestTimeoutMs }, { host, clock });
  const cluster = new ClusterCalls(endpoints, clock);
  try {
    await cluster.call({ isWrite: false, signal }, (endpoint) => members.session(endpoint, signal));
  } catch (error) {
    members.close();
    throw error;
  }
  return {
    endpoints,
    ...createEtcdKv({ cluster, members }),
    ...createMaintenance({ cluster, members }),
    close: () => members.close(),
  };
}

function noEndpoint(): EtcdError {
  return new EtcdError({
    code: 'ETCD_ENDPOINT_INVALID',
    message: 'cannot connect to etcd: no endpoint given',
    subject: 'endpoints',
    hint: 'pass at least one endpoint, as https://ADDRESS:2379',
  });
}
