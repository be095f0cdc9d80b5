import type { Cluster } from '../../cluster/cluster.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { execOnNode } from '../../cluster/node-command.ts';
import type { LeafCertificate } from '../kubeadm-expired/leaf-certificates.ts';

/** A CA of a kubeadm cluster: its files are `/etc/kubernetes/pki/NAME.crt` and `.key`. */
export type KubeadmCaName = LeafCertificate['issuer'];

/** The path of a CA certificate on the node. */
export function caFileOf(ca: KubeadmCaName): string {
  return `/etc/kubernetes/pki/${ca}.crt`;
}

/** Whether openssl reports a CA certificate of the node as expired. */
export async function isCaExpired(cluster: Cluster, ca: KubeadmCaName, deps: LabDeps): Promise<boolean> {
  const argv = ['openssl', 'x509', '-noout', '-checkend', '0', '-in', caFileOf(ca)] as const;
  return (await execOnNode(cluster, argv, deps)).exitCode !== 0;
}
