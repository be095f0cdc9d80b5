import { isRecoveryError } from '@kube-rescue/errors';
import type { RestoreMark } from '@kube-rescue/etcd-access/restore';
import { describeVoters, inspectPeers, listVoters, type Node, quorumOf, type Voter, votersOf } from '@kube-rescue/node';
import { readKubeconfigClient } from '@kube-rescue/node-config';
import { type KnownMembers, judgeLostMembers } from './lost-members-judgement.ts';
import type { RestoreNode } from './restore-node.ts';
import type { RestoreSource } from './restore-source.ts';

const API_TIMEOUT_MS = 3000;

/**
 * The members of etcd by every source that is left, and by the file that is restored; which of them answer, and whether an API
 * server of the cluster is ready. Changes nothing.
 *
 * A member that does not answer may work behind a broken network: only the ready API server, if any, would show it.
 * @param mark of the data that is restored already: its own database may still list the members of before
 * @throws the abort of `signal`; HostError of a CA file that exists but cannot be read
 */
export async function readKnownMembers(
  { path, members: inSource, isOwn }: Pick<RestoreSource, 'path' | 'members' | 'isOwn'>,
  { facts, mark }: { readonly facts: Pick<RestoreNode, 'name'>; readonly mark: RestoreMark | undefined },
  node: Node,
  signal: AbortSignal,
): Promise<KnownMembers> {
  const former = isOwn ? (mark?.formerMembers ?? []) : [];
  const listed = inSource.filter(({ id }) => !former.includes(id));
  const voters = await listVoters(node, signal);
  const known = voters?.members ?? [];
  const further = listed.filter(({ id, name }) => known.every((each) => each.name !== (name || id)));
  const asked = await inspectPeers(further, await node.describe(), node, signal);
  const inFile = votersOf(asked, node.clock.now()).members;
  // While a restore has stopped etcd, no flag tells which member is this node's.
  const isThisNode = (member: Voter): boolean => member.isThisNode || member.name === facts.name;
  const members = [...known, ...inFile]
    .map((member) => ({ ...member, isThisNode: isThisNode(member) }))
    .toSorted((a, b) => a.name.localeCompare(b.name));
  const evidence = [
    ...(voters?.evidence ?? []),
    ...(further.length === 0 ? [] : [{ source: 'data' as const, location: path, voters: listed.length }]),
  ];
  const hasQuorum = voters?.hasQuorum ?? false;
  const sum = describeVoters({ members, quorum: quorumOf(members.length), hasQuorum, evidence });
  return { members, hasQuorum, sum, readyApi: await findReadyApi(node, signal) };
}

/**
 * Makes sure that a cluster of this member alone divides nothing: no majority works, every other member is named, and none of them
 * answers.
 * @throws EtcdError `ETCD_RESTORE_REFUSED` `ETCD_MEMBER_UNKNOWN`
 */
export async function assertLostForGood(known: KnownMembers, without: readonly string[]): Promise<void> {
  const refusal = judgeLostMembers(known, without);
  if (refusal === undefined) return;
  const { EtcdError } = await import('@kube-rescue/etcd-access');
  throw new EtcdError({ ...refusal, hint: `nothing was changed; ${refusal.hint}` });
}

/** Where an API server of this cluster is ready, which it is not without a majority of its etcd. */
async function findReadyApi(node: Node, signal: AbortSignal): Promise<string | undefined> {
  try {
    const { adminKubeconfig, adminContext } = await node.describe();
    const { server, ca } = await readKubeconfigClient(adminKubeconfig, node, adminContext);
    const url = `${server.replace(/\/$/, '')}/readyz`;
    const { status, peer } = await node.host.request({ url, timeoutMs: API_TIMEOUT_MS, signal, ca });
    return status === 200 && peer?.trusted === true ? server : undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (isRecoveryError(error) || error instanceof TypeError) return undefined;
    throw error;
  }
}
