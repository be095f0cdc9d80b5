import { isRecoveryError } from '@kube-rescue/errors';
import { joinPath } from '@kube-rescue/host';
import { findFlag } from '@kube-rescue/node-config';
import type { Node } from '../node.ts';
import { databaseOf, findDataDirectory } from './data-directory.ts';
import type { ListedMember } from './peer-members.ts';

/** What lists the members of etcd. */
export type MemberSource =
  /** The client port. */
  | 'client'
  /** The peer port, which answers alone while etcd waits for a majority, and with every certificate expired. */
  | 'peer'
  /** The metrics port: ids of the peers, without names. */
  | 'metrics'
  /** The database on this node's disk, also of an etcd that is down. */
  | 'data'
  /** `--initial-cluster`: the members of the time of this node's join. */
  | 'flags';

/** The members by one source. */
export interface SourcedMembers {
  readonly source: MemberSource;
  /** URL, path or flag. */
  readonly location: string;
  readonly members: readonly ListedMember[];
}

/** What the metrics port says. */
export interface MetricsReading extends SourcedMembers {
  /** This member has a leader: a majority works. */
  readonly hasLeader: boolean;
}

type SourceNode = Pick<Node, 'host' | 'describe'>;

const METRICS_TIMEOUT_MS = 1500;

/**
 * The members that the metrics port knows, and whether it has a leader. Needs no certificate. `undefined` without such a port or
 * an answer. etcd 3.4 knows only the peers to which it has had a connection since its start.
 * @throws nothing but the abort of `signal`
 */
export async function readMetricsMembers(node: SourceNode, signal: AbortSignal): Promise<MetricsReading | undefined> {
  try {
    const { components } = await node.describe();
    const urls = findFlag(components, { component: 'etcd', flag: 'listen-metrics-urls' }) ?? '';
    const url = urls.split(',').find((each) => each.startsWith('http://'));
    if (url === undefined || node.host.kind === 'copy') return undefined;
    const location = `${url.replace(/\/$/, '').replace('//0.0.0.0:', '//127.0.0.1:')}/metrics`;
    const { status, body } = await node.host.request({ url: location, timeoutMs: METRICS_TIMEOUT_MS, signal });
    return status === 200 ? parseMetrics(location, body) : undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (isRecoveryError(error)) return undefined;
    throw error;
  }
}

function parseMetrics(location: string, body: string): MetricsReading | undefined {
  const read = (metric: string) => [
    ...body.matchAll(new RegExp(`^etcd_network_${metric}\\{Local="([0-9a-f]+)",Remote="([0-9a-f]+)"\\} ([01])$`, 'gm')),
  ];
  // Known peers are all members, this one too; 0 marks a removed one (etcd `membership/cluster.go` buildMembershipMetric). etcd 3.4 has no
  // known peers; of one that is not connected any more, the active peers show 0.
  const known = read('known_peers');
  const peers = known.length > 0 ? known.filter(([, , , value]) => value === '1') : read('active_peers');
  const leader = /^etcd_server_has_leader (\d)$/m.exec(body)?.[1];
  if (leader === undefined) return undefined;
  const own = peers[0]?.[1] ?? /^etcd_server_id\{server_id="([0-9a-f]+)"\} 1$/m.exec(body)?.[1];
  const ids = [...new Set([...(own === undefined ? [] : [own]), ...peers.map((peer) => peer[2] ?? '')])];
  const members = ids.map((id) => ({ id, name: '', peerUrls: [], clientUrls: [], isLearner: false }));
  return { source: 'metrics', location, members, hasLeader: leader === '1' };
}

/**
 * The members in the database of this node's etcd: also those of the first of several control-plane nodes after a reboot, when
 * nothing runs and its flags name itself alone. `undefined` without a readable database.
 *
 * A learner that has started counts as a voter: some releases of etcd did not store its promotion.
 * Throws only what is not an error of this program: a file that cannot be read gives `undefined`.
 */
export async function readDataMembers(node: SourceNode): Promise<SourcedMembers | undefined> {
  try {
    const directory = findDataDirectory(await node.describe());
    const location = databaseOf(directory);
    if ((await node.host.stat(location)) === undefined) return undefined;
    const { readDatabaseMembers } = await import('@kube-rescue/etcd-access');
    const { readRestoreMark } = await import('@kube-rescue/etcd-access/restore');
    // etcd 3.4 leaves the members of before a restore beside the new one, of which one has the same peer URL.
    const former = (await readRestoreMark(joinPath(directory, 'member'), node))?.formerMembers ?? [];
    const listed = ((await readDatabaseMembers(location, node)) ?? []).filter(({ id }) => !former.includes(id));
    const distinct = [...new Map(listed.map((member) => [member.peerUrls.toSorted().join(','), member])).values()];
    const members = distinct.map((member) => ({ ...member, isLearner: member.isLearner && member.name === '' }));
    return members.length === 0 ? undefined : { source: 'data', location, members };
  } catch (error) {
    if (isRecoveryError(error)) return undefined;
    throw error;
  }
}

/** The members of `--initial-cluster`; `undefined` without that flag. */
export async function readFlagMembers({ describe }: Pick<Node, 'describe'>): Promise<SourcedMembers | undefined> {
  try {
    const { components } = await describe();
    const entries = (findFlag(components, { component: 'etcd', flag: 'initial-cluster' }) ?? '').split(',');
    const members = entries.flatMap((entry) => {
      const [name = '', url] = entry.split(/=(.*)/).map((part) => part.trim());
      if (name === '') return [];
      const peerUrls = url === undefined || url === '' ? [] : [url];
      return [{ id: '', name, peerUrls, clientUrls: [], isLearner: false }];
    });
    return members.length === 0 ? undefined : { source: 'flags', location: '--initial-cluster', members };
  } catch (error) {
    if (isRecoveryError(error)) return undefined;
    throw error;
  }
}
