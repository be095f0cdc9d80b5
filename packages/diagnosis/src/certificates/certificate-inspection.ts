import { type InspectedCertificate, type InspectionRequest, inspectLocation } from '@kube-rescue/cert-rotation';
import { isRecoveryError } from '@kube-rescue/errors';
import { describeNode, type NodeDeps, type NodeDescription, type NodeOptions } from '@kube-rescue/node';

/**
 * Spells out the certificates of an id, in a file or of a server. Works on a machine that is no node, too; ids then mean
 * nothing and chains end where the certificates at hand end.
 *
 * @throws what `inspectLocation` throws
 */
export async function inspectCertificate(
  options: NodeOptions & Omit<InspectionRequest, 'node'>,
  deps: NodeDeps,
): Promise<readonly InspectedCertificate[]> {
  const { target, file, signal } = options;
  const node = await findNode(options, deps);
  const { host, clock } = deps;
  return inspectLocation({ target, file, signal, node: node?.inspection }, { host, now: clock.now() });
}

async function findNode(options: NodeOptions, deps: NodeDeps): Promise<NodeDescription | undefined> {
  try {
    return await describeNode(options, deps);
  } catch (error) {
    if (isRecoveryError(error)) return undefined;
    throw error;
  }
}
