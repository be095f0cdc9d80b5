import type { LabDeps } from '../../machine/lab-deps.ts';
import { type EquippedNode, execOnNode } from '../../cluster/node-command.ts';
import type { LeafCertificate } from '../kubeadm-expired/leaf-certificates.ts';

/** A CA of a kubeadm cluster: its files are `/etc/kubernetes/pki/NAME.crt` and `.key`. */
export type KubeadmCaName = LeafCertificate['issuer'];

export const CAS = ['ca', 'etcd/ca', 'front-proxy-ca'] as const satisfies readonly KubeadmCaName[];

/** The path of a CA certificate on the node. */
export function caFileOf(ca: KubeadmCaName): string {
  return `/etc/kubernetes/pki/${ca}.crt`;
}

/** Whether openssl reports a CA certificate of the node as expired. */
export async function isCaExpired(at: EquippedNode, ca: KubeadmCaName, deps: LabDeps): Promise<boolean> {
  const argv = ['openssl', 'x509', '-noout', '-checkend', '0', '-in', caFileOf(ca)] as const;
  return (await execOnNode(at, argv, deps)).exitCode !== 0;
}
