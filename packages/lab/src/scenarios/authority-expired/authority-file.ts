import type { Cluster } from '../../cluster.ts';
import type { LabDeps } from '../../deps.ts';
import { execOnNode } from '../../node-command.ts';
import type { AuthorityName } from './authority-expired.ts';

/** The path of a CA's certificate on its node. */
export function authorityFile(authority: AuthorityName): string {
  return `/etc/kubernetes/pki/${authority}.crt`;
}

/** What openssl says of a CA's certificate on its node. */
export async function isAuthorityExpired(cluster: Cluster, authority: AuthorityName, deps: LabDeps): Promise<boolean> {
  const argv = ['openssl', 'x509', '-noout', '-checkend', '0', '-in', authorityFile(authority)] as const;
  return (await execOnNode(cluster, argv, deps)).exitCode !== 0;
}
