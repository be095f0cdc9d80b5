import { listVoters, type Node } from '@kube-rescue/node';
import { CliError } from './errors.ts';

/**
 * Makes sure that a rollback to certificates that do not work harms this node alone: with other control-plane nodes, whose cluster
 * works, it would take this member away from the majority. Where etcd has no majority, nothing is lost by it.
 *
 * Does not know the members of an etcd that does not respond, nor those of a copy.
 * @param reasons what would be worse, one line each
 * @throws CliError `ROLLBACK_WORSE` with the members and the reasons
 */
export async function assertHarmsNoOthers(
  { run, reasons }: { readonly run: string; readonly reasons: readonly string[] },
  node: Pick<Node, 'host' | 'etcd' | 'etcdPeers'>,
  signal: AbortSignal,
): Promise<void> {
  const voters = await listVoters(node, signal);
  if (voters === undefined || voters.names.length <= 1 || !voters.hasQuorum) return;
  const { names, quorum } = voters;
  throw new CliError({
    code: 'ROLLBACK_WORSE',
    message: `nothing was changed, --force or not: the cluster works, and this node is one of ${names.length} control-plane nodes (${names.join(', ')}; etcd needs ${quorum} of ${names.length}); the rollback would make things worse: ${reasons.join('; ')}`,
    subject: run,
    hint: 'renew instead: `kube-rescue certs renew`; the old files are in the backup directory of the run',
  });
}
