import { inspectCertificates } from '@kube-rescue/cert-rotation';
import type { NodeDeps, NodeDescription } from './node-description.ts';

/** The serial number of the certificate that the API server is to present, upper-case hexadecimal. */
export async function servingSerial(node: NodeDescription, deps: NodeDeps): Promise<string | undefined> {
  const { certificates } = await inspectCertificates({ ...node.inspection, only: ['apiserver'] }, deps);
  const serving = certificates[0]?.certificate;
  return serving?.ok === true ? serving.value.x509.serialNumber.toUpperCase() : undefined;
}
