import type { EtcdClient, EtcdConnection, EtcdProbe, PairPaths } from '@kube-rescue/etcd-access';
import { type Host, type HostPath, withInputs } from '@kube-rescue/host';
import { assertLive } from '../live-node.ts';
import type { NodeDeps, NodeDescription } from '../node-description.ts';

/** How etcd is searched for. A given value replaces the values found on the node. */
export interface EtcdSearch {
  readonly endpoint?: string | undefined;
  readonly ca?: HostPath | undefined;
  readonly client?: PairPaths | undefined;
  /** A `generated/` directory of tls_rotate to search as well. */
  readonly rotatedSet?: HostPath | undefined;
  /** Accept a server certificate that has expired; everything else is verified. Default: false. */
  readonly acceptExpiredServer?: boolean | undefined;
  /** `ETCDCTL_*` of the operator's environment. Default: none. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** For each attempt. Default: 3000. */
  readonly timeoutMs?: number | undefined;
}

/** A connection to the node's etcd; the caller closes it. */
export interface NodeEtcd {
  readonly client: EtcdClient;
  readonly connection: EtcdConnection;
}

/** Reasons that fit into one message. */
const MAX_REASONS = 3;

/**
 * Tries every endpoint and credential for etcd found in the node's files and flags. Changes nothing.
 * @throws NodeError `NODE_NOT_LIVE`
 */
export async function probeNodeEtcd(
  node: NodeDescription,
  search: EtcdSearch,
  deps: NodeDeps,
  signal: AbortSignal,
): Promise<EtcdProbe> {
  assertLive(deps.host, 'etcd');
  const { probeEtcd } = await import('@kube-rescue/etcd-access');
  const { endpoint, ca, client, rotatedSet, acceptExpiredServer, environment, timeoutMs } = search;
  const given = { endpoints: endpoint === undefined ? undefined : [endpoint], ca, client };
  return probeEtcd(
    { components: node.components, rotatedSet, environment, given, acceptExpiredServer, timeoutMs, signal },
    { host: readingInputs(deps, [ca, client?.certificate, client?.key, rotatedSet]), clock: deps.clock },
  );
}

/** What the operator names is read for any owner; what is found on the node is not. */
function readingInputs({ host, inputHost }: NodeDeps, named: readonly (HostPath | undefined)[]): Host {
  if (inputHost === undefined) return host;
  return withInputs(
    host,
    inputHost,
    named.filter((path) => path !== undefined),
  );
}

/** @throws EtcdError `ETCD_NO_WORKING_CREDENTIALS`, and those of the connection */
export async function connectByProbe(
  probe: EtcdProbe,
  deps: NodeDeps,
  signal: AbortSignal,
  timeoutMs?: number,
): Promise<NodeEtcd> {
  const { EtcdError, openEtcd, readConnection } = await import('@kube-rescue/etcd-access');
  const { host, clock } = deps;
  const { working } = probe;
  if (working === undefined) {
    throw new EtcdError({
      code: 'ETCD_NO_WORKING_CREDENTIALS',
      message: 'no connection to etcd',
      reasons: listFailures(probe),
      subject: 'etcd',
      hint: 'list every attempt with `kube-rescue etcd probe`; renew expired certificates, or pass --endpoint, --cacert, --cert and --key',
    });
  }
  const access = await readConnection(probe, {
    host: readingInputs(deps, [working.ca, working.client?.certificate, working.client?.key]),
  });
  const client = await openEtcd(
    { ...access, connectTimeoutMs: timeoutMs, requestTimeoutMs: timeoutMs, signal },
    { host, clock },
  );
  return { client, connection: working };
}

/** Why no connection works, each reason once, answers of members first. */
export function describeFailures(probe: EtcdProbe): string {
  return listFailures(probe).join('; ');
}

function listFailures({ attempts }: EtcdProbe): readonly string[] {
  const asked = attempts.filter(({ outcome }) => outcome === 'failed');
  const reasons = [
    ...new Set([...asked, ...attempts].map(({ endpoint, message }) => `${endpoint ?? ''} ${message}`.trim())),
  ];
  if (reasons.length === 0) return ['no endpoint and no credentials for etcd found on this node'];
  const more = reasons.length - MAX_REASONS;
  return [...reasons.slice(0, MAX_REASONS), ...(more > 0 ? [`and ${more} more`] : [])];
}
