import { type InspectedCertificate, type InspectionRequest, inspectLocation } from '@kube-rescue/cert-rotation';
import { isRecoveryError } from '@kube-rescue/errors';
import type { Node, NodeDescription } from '@kube-rescue/node';

/**
 * Describes the certificates of an id, of a file or of a server. Works on a machine that is not a node, too; then ids are
 * unknown and chains have only the given certificates.
 *
 * @throws what `inspectLocation` throws
 */
export async function inspectCertificate(
  node: Node,
  request: Omit<InspectionRequest, 'node'>,
): Promise<readonly InspectedCertificate[]> {
  const description = await describeIfNode(node);
  return inspectLocation({ ...request, node: description?.inspection }, node);
}

async function describeIfNode(node: Node): Promise<NodeDescription | undefined> {
  try {
    return await node.describe();
  } catch (error) {
    if (isRecoveryError(error)) return undefined;
    throw error;
  }
}
