import {
  type ExportedRequest,
  exportSigningRequests,
  inspectCertificates,
  type RequestExport,
} from '@kube-rescue/cert-rotation';
import type { HostFiles } from '@kube-rescue/host';
import { describeNode, type NodeDeps, type NodeOptions } from '@kube-rescue/node';

/**
 * Writes a signing request for every certificate of this node that an authority signs.
 *
 * @param deps.files where the requests go: files of whoever calls, not of the node
 * @throws what `exportSigningRequests` and `describeNode` throw
 */
export async function exportNodeRequests(
  options: NodeOptions & Omit<RequestExport, 'inventory'>,
  deps: NodeDeps & { readonly files: Pick<HostFiles, 'stat' | 'writeFile' | 'makeDirectory'> },
): Promise<readonly ExportedRequest[]> {
  const node = await describeNode(options, deps);
  const inventory = await inspectCertificates(node.inspection, deps);
  const { folder, newKeys, keyAlgorithm } = options;
  return exportSigningRequests({ inventory, folder, newKeys, keyAlgorithm }, deps);
}
