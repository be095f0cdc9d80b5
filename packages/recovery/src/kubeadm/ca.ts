import type { CaId, ReissueOptions, RenewalOptions } from '@kube-rescue/cert-rotation';
import type { Node } from '@kube-rescue/node';
import type { Playbook } from '@kube-rescue/workflow';
import { createRecoveryPlaybook, type TrustOptions } from './recovery.ts';
import { assertSingleMember } from './single-member.ts';

/**
 * Reissues one CA of a kubeadm control plane with its present key, expired or not, and renews expired certificates. Restarts
 * and verifies as a recovery does.
 * @throws NodeError `LAYOUT_UNSUPPORTED` on one of several control-plane nodes: the others would keep the old CA
 */
export async function createCaPlaybook(
  node: Node,
  options: RenewalOptions & TrustOptions & Pick<ReissueOptions, 'caDays'> & { readonly ca: CaId },
  signal: AbortSignal,
): Promise<Playbook> {
  await assertSingleMember(node, signal, 'issue-ca');
  const { phases } = createRecoveryPlaybook(node, { ...options, force: [options.ca] });
  return { id: 'certs-rotate-ca', title: 'Reissue a CA', phases };
}
