import { type CertificateInventory, judgeCa, type ReissueOptions } from '@kube-rescue/cert-rotation';
import type { Node } from '@kube-rescue/node';
import { assertSingleMember } from './single-member.ts';

/**
 * Makes sure that a recovery changes no CA on one of several control-plane nodes: an expired or lost CA would be issued again, with
 * other bytes than on the other nodes. Asks for the members only where a CA is to be issued.
 * @throws NodeError `LAYOUT_UNSUPPORTED` with the members
 */
export async function assertCommonFilesStay(
  { cas }: Pick<CertificateInventory, 'cas'>,
  { force = [] }: Pick<ReissueOptions, 'force'>,
  node: Node,
  signal: AbortSignal,
): Promise<void> {
  const now = node.clock.now();
  const isIssued = cas.some(
    (ca) =>
      ca.lost !== undefined || force.includes(ca.id) || judgeCa(ca, now).some(({ code }) => code === 'PKI_CA_EXPIRED'),
  );
  if (isIssued) await assertSingleMember(node, signal, 'issue-ca');
}
