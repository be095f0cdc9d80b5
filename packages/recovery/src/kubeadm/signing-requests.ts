import {
  type ExportedRequest,
  exportSigningRequests,
  inspectCertificates,
  type RequestExport,
} from '@kube-rescue/cert-rotation';
import type { HostFiles } from '@kube-rescue/host';
import type { Node } from '@kube-rescue/node';

/**
 * Writes a signing request for every certificate of this node that a CA signs.
 *
 * @param files where the requests are written: the caller's files, not the node's
 * @throws what `exportSigningRequests` and `Node.describe` throw
 */
export async function exportNodeRequests(
  node: Node,
  options: Omit<RequestExport, 'inventory'>,
  files: Pick<HostFiles, 'stat' | 'writeFile' | 'makeDirectory'>,
): Promise<readonly ExportedRequest[]> {
  const { inspection } = await node.describe();
  const inventory = await inspectCertificates(inspection, node);
  const { directory, newKeys, keyAlgorithm } = options;
  return exportSigningRequests({ inventory, directory, newKeys, keyAlgorithm }, { files });
}
