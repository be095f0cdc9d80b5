import type { Cluster } from '../../cluster/cluster.ts';
import type { LabDeps } from '../../cluster/deps.ts';
import { execOnNode } from '../../cluster/node-command.ts';
import type { LabCaName } from './lab-ca-name.ts';

/** The path of a CA's certificate on its node. */
export function caFileOf(ca: LabCaName): string {
  return `/etc/kubernetes/pki/${ca}.crt`;
}

/** What openssl says of a CA's certificate on its node. */
export async function isCaExpired(cluster: Cluster, ca: LabCaName, deps: LabDeps): Promise<boolean> {
  const argv = ['openssl', 'x509', '-noout', '-checkend', '0', '-in', caFileOf(ca)] as const;
  return (await execOnNode(cluster, argv, deps)).exitCode !== 0;
}
