import { inspectCertificates } from '@kube-rescue/cert-rotation';
import type { NodeDeps, NodeDescription } from './node-description.ts';

/** The name under which the kubelet registers: that of its certificate, `system:node:NAME`, else as it is told, else the machine's. */
export async function findNodeName(node: NodeDescription, deps: NodeDeps): Promise<string> {
  const { certificates } = await inspectCertificates({ ...node.inspection, only: ['kubelet-client'] }, deps);
  const client = certificates[0]?.certificate;
  const subject = client?.ok === true ? client.value.x509.subject : undefined;
  return /CN=system:node:(.+)$/m.exec(subject ?? '')?.[1] ?? node.kubelet.hostnameOverride ?? deps.host.name;
}
