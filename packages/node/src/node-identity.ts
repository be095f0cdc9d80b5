import type { Certificate } from '@kube-rescue/x509';
import { inspectCertificates } from '@kube-rescue/cert-rotation';
import type { NetworkInput } from '@kube-rescue/cni-bootstrap';
import type { Host } from '@kube-rescue/host';
import type { Node } from './node.ts';
import type { NodeDescription } from './node-description.ts';

/** The name under which the kubelet registers: from its certificate (`system:node:NAME`), else its flag, else the host name. */
export async function findNodeName(
  node: NodeDescription,
  { host }: { readonly host: Pick<Host, 'name' | 'readFile' | 'readLink' | 'stat' | 'list'> },
): Promise<string> {
  return (await findCertifiedNodeName(node, { host })) ?? node.kubelet.hostnameOverride ?? host.name;
}

interface CertificateHost {
  readonly host: Pick<Host, 'readFile' | 'readLink' | 'stat' | 'list'>;
}

/** The name in the kubelet's certificate (`system:node:NAME`); `undefined` without such a certificate. */
export async function findCertifiedNodeName(
  node: Pick<NodeDescription, 'inspection'>,
  { host }: { readonly host: Pick<Host, 'readFile' | 'readLink' | 'stat' | 'list'> },
): Promise<string | undefined> {
  const { certificates } = await inspectCertificates({ ...node.inspection, only: ['kubelet-client'] }, { host });
  const client = certificates[0]?.certificate;
  const subject = client?.ok === true ? client.value.x509.subject : undefined;
  return /CN=system:node:(.+)$/m.exec(subject ?? '')?.[1];
}

/** The serial number of the API server's serving certificate on disk, upper-case hexadecimal. */
export async function servingSerial(node: NodeDescription, deps: CertificateHost): Promise<string | undefined> {
  return (await servingCertificate('apiserver', node, deps))?.serialNumber.toUpperCase();
}

/** The serving certificate of the API server or the kubelet on disk: who presents it holds its key, so it identifies its server. */
export async function servingCertificate(
  id: 'apiserver' | 'kubelet-serving',
  node: Pick<NodeDescription, 'inspection'>,
  { host }: CertificateHost,
): Promise<Certificate['x509'] | undefined> {
  const { certificates } = await inspectCertificates({ ...node.inspection, only: [id] }, { host });
  const serving = certificates[0]?.certificate;
  return serving?.ok === true ? serving.value.x509 : undefined;
}

/**
 * Input for the network inspection: the name of its Node and its kubelet's flags. Works with everything down.
 * @throws as `Node.describe`
 */
export async function findNetworkOfNode(node: Node): Promise<NetworkInput> {
  const description = await node.describe();
  const { flags, source } = description.kubelet.component;
  return { nodeName: await findNodeName(description, node), kubelet: { flags, source } };
}
