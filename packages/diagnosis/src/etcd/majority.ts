import { nameRestoreCommand, type PeerList, quorumOf } from '@kube-rescue/node';
import type { Finding } from '../cause.ts';

/**
 * etcd waits for a majority: its peer port lists the members, of which too few accept connections. A member that has started
 * serves clients only once it has found a leader (etcd, `server/embed/etcd.go`).
 * @param version of etcd, for the hint
 */
export function findWaiting(peers: PeerList, version: string | undefined): Finding | undefined {
  const voters = peers.members.filter(({ isLearner }) => !isLearner);
  const quorum = quorumOf(voters.length);
  const accepting = voters.filter(({ accepts }) => accepts).length;
  if (accepting >= quorum) return undefined;
  return {
    code: 'ETCD_NO_QUORUM',
    summary: `etcd waits for a majority: ${accepting} of ${voters.length} members accept connections, ${quorum} are needed`,
    evidence: [
      `${peers.url} lists ${peers.members.length} members`,
      ...voters
        .filter(({ accepts }) => !accepts)
        .map(({ name, id, peerUrls }) => `${name || id}: no connection to ${peerUrls.join(', ')}`),
    ],
    hint: `start the other members until a majority runs; if they are lost, restore a snapshot as a cluster of one member with ${nameRestoreCommand(version)} (docs/runbooks/etcd-does-not-answer.md)`,
  };
}
