import type { MemberChangeInput } from '@kube-rescue/recovery';
import type { Answer } from '../base-command.ts';
import { answerPlaybook } from '../playbook-run.ts';
import { renderReplacement } from '../render/replacement.ts';
import type { Session } from '../wiring.ts';

const FINALITY = {
  remove:
    'This cannot be undone: a removed member never returns. Its node can only join again as a new member; the commands are printed afterwards.',
  promote: 'This cannot be undone: only the removal of the member ends its vote.',
} as const;

/** Removes or promotes a member; after a removal the answer holds what brings a new control plane in. */
export async function changeMember(
  input: MemberChangeInput,
  flags: { readonly 'dry-run': boolean; readonly yes: boolean },
  session: Session,
): Promise<Answer> {
  const { node } = session;
  const { createMemberPlaybook, readReplacement } = await import('@kube-rescue/recovery');
  const { action } = input;
  // Its node has this name; the operator may have given the id.
  let { member } = input;
  const answer = await answerPlaybook(
    {
      playbook: async () => createMemberPlaybook(node, { ...input, onFound: (name) => (member = name) }),
      ...{ selection: {}, dryRun: flags['dry-run'], yes: flags.yes, finality: FINALITY[action] },
    },
    session,
  );
  if (action === 'promote') return answer;
  const replacement = await readReplacement(node, [member]);
  return {
    ...answer,
    result: { ...answer.result, replacement },
    text: (terminal) => `${answer.text(terminal)}\n\n${renderReplacement(replacement, terminal)}`,
  };
}
