import type { EtcdRestoreInput } from '@kube-rescue/recovery';
import type { Answer } from '../base-command.ts';
import { answerPlaybook } from '../playbook-run.ts';
import { renderReplacement } from '../render/replacement.ts';
import type { Session } from '../wiring.ts';

/** Restores etcd; without members that are gone for good, the answer holds what is left to remove, and what brings new ones in. */
export async function restoreEtcd(
  input: EtcdRestoreInput,
  flags: { readonly 'dry-run': boolean; readonly yes: boolean },
  session: Session,
): Promise<Answer> {
  const { node, interruption } = session;
  const playbook = async () => (await import('@kube-rescue/recovery')).createEtcdRestorePlaybook(node, input);
  const { 'dry-run': dryRun, yes } = flags;
  const answer = await answerPlaybook({ playbook, selection: {}, dryRun, yes }, session);
  if (input.without === undefined || dryRun) return answer;
  const { readControlPlaneNodes } = await import('@kube-rescue/node');
  const { readReplacement } = await import('@kube-rescue/recovery');
  const objects = await readControlPlaneNodes(node, {}, interruption.signal);
  const replacement = await readReplacement(node, input.without, objects?.clusterStatus);
  return {
    ...answer,
    result: { ...answer.result, replacement },
    text: (terminal) => `${answer.text(terminal)}\n\n${renderReplacement(replacement, terminal)}`,
  };
}
