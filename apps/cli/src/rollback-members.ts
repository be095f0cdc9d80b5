import { inspectCertificates } from '@kube-rescue/cert-rotation';
import { assertKeepsQuorum, describeVoters, findPod, listVoters, type Node } from '@kube-rescue/node';
import { CliError } from './errors.ts';

/** What a rollback would do. */
interface RollbackEffect {
  readonly run: string;
  /** Why it would make things worse, one line each; see `judgeRollback`. */
  readonly reasons: readonly string[];
  /** Paths and objects that it would change. */
  readonly targets: readonly string[];
}

/**
 * Makes sure that a rollback harms no other control-plane node, forced or not: with other members of etcd it puts no other CA on
 * this node alone; while their cluster works it brings back no certificates that do not work, and stops no member that the majority
 * needs. Where etcd has no majority, certificates that do not work lose nothing.
 *
 * Does not know the members of an etcd that does not respond and whose flags name itself alone.
 * @throws CliError `ROLLBACK_WORSE` with the sum and the reasons; NodeError `QUORUM_LOSS`
 */
export async function assertHarmsNoOthers(
  { run, reasons, targets }: RollbackEffect,
  node: Pick<Node, 'host' | 'clock' | 'describe' | 'etcd' | 'etcdPeers'>,
  signal: AbortSignal,
): Promise<void> {
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
