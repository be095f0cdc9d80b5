import { inspectCertificates } from '@kube-rescue/cert-rotation';
import { assertKeepsQuorum, describeVoters, findPod, listVoters, type Node } from '@kube-rescue/node';
import type { Change } from '@kube-rescue/workflow';
import { CliError } from './errors.ts';

/** What a rollback would do. */
interface RollbackEffect {
  readonly run: string;
  /** Why it would make things worse, one line each; see `judgeRollback`. */
  readonly reasons: readonly string[];
  /** Paths and objects that it would change. */
  readonly targets: readonly string[];
  /** Restores of etcd among its changes. Default: none. */
  readonly restores?: readonly Change[] | undefined;
}

/**
 * Makes sure that a rollback harms no other control-plane node, forced or not: with other members of etcd it puts no other CA on
 * this node alone; while their cluster works it brings back no certificates that do not work, and stops no member that the majority
 * needs; and it takes no restored data away from members that have joined it since. Where etcd has no majority, certificates that
 * do not work lose nothing.
 *
 * Does not know the members of an etcd that does not respond and whose flags name itself alone.
 * @throws CliError `ROLLBACK_WORSE` with the sum and the reasons; NodeError `QUORUM_LOSS`
 */
export async function assertHarmsNoOthers(
  { run, reasons, targets, restores = [] }: RollbackEffect,
  node: Pick<Node, 'host' | 'clock' | 'describe' | 'etcd' | 'etcdPeers'>,
  signal: AbortSignal,
): Promise<void> {
  if (await exchangesData(restores, node)) await assertJoinedByNone(run, node, signal);
  const { cas, restartsEtcd } = await judgeTargets(targets, node);
  if (reasons.length + cas.length === 0 && !restartsEtcd) return;
  const voters = await listVoters(node, signal);
  if (voters === undefined || voters.members.length <= 1) return;
  const split =
    cas.length === 0 ? [] : [`the other nodes keep the CA of now, and this node would have the old ${cas.join(', ')}`];
  const worse = voters.hasQuorum ? [...split, ...reasons] : split;
  if (worse.length > 0) {
    throw new CliError({
      code: 'ROLLBACK_WORSE',
      message: `nothing was changed, --force or not: this is one of ${voters.members.length} control-plane nodes (${describeVoters(voters)}), and the rollback would make things worse: ${worse.join('; ')}`,
      subject: run,
      hint: 'renew instead: `kube-rescue certs renew`; the old files are in the backup directory of the run',
    });
  }
  if (restartsEtcd) await assertKeepsQuorum(node, signal, voters);
}

/** The data of now is that of one of these restores, which the rollback would exchange. */
async function exchangesData(
  restores: NonNullable<RollbackEffect['restores']>,
  { host }: Pick<Node, 'host'>,
): Promise<boolean> {
  if (restores.length === 0) return false;
  const { isRestoredBy } = await import('@kube-rescue/etcd-access/restore');
  const found = await Promise.all(restores.map((restore) => isRestoredBy(restore, { host })));
  return found.includes(true);
}

/**
 * Tolerated: nothing. The members of now are those of the restored cluster: with the old data this one would leave them, and be a
 * member of the old one.
 */
async function assertJoinedByNone(
  run: string,
  node: Parameters<typeof listVoters>[0],
  signal: AbortSignal,
): Promise<void> {
  const voters = await listVoters(node, signal);
  if (voters === undefined || voters.members.length <= 1) return;
  const joined = voters.members.flatMap(({ name, isThisNode }) => (isThisNode ? [] : [name])).join(', ');
  throw new CliError({
    code: 'ROLLBACK_WORSE',
    message: `nothing was changed, --force or not: ${joined} joined etcd after its restore (${describeVoters(voters)}), and the old data would divide the cluster`,
    subject: run,
    hint: 'remove what has joined first: `kube-rescue etcd members remove NAME`; the old data is in member-before-TIME of the data directory',
  });
}

/** The CA files among the targets, and whether the kubelet would restart etcd. */
async function judgeTargets(
  targets: readonly string[],
  node: Pick<Node, 'host' | 'describe'>,
): Promise<{ readonly cas: readonly string[]; readonly restartsEtcd: boolean }> {
  if (targets.length === 0) return { cas: [], restartsEtcd: false };
  const description = await node.describe();
  const { cas } = await inspectCertificates(description.inspection, node);
  const files = cas.flatMap(({ path, issuer }) => [path, ...(issuer.ok ? [issuer.value.keyPath] : [])]);
  const etcd = findPod(description, 'etcd')?.manifest.path;
  return {
    cas: [...new Set(files.filter((file) => targets.includes(file)))],
    restartsEtcd: etcd !== undefined && targets.includes(etcd),
  };
}
