import { createCluster } from '../../cluster.ts';
import type { LeafCertificate } from '../kubeadm-expired/leaf-certificates.ts';
import type { ClusterScenario } from '../scenario.ts';
import { expireAuthority } from './expire-authority.ts';
import { proveAuthorityDeath } from './prove-death.ts';
import { proveAuthorityLife } from './prove-life.ts';

/** A CA of a kubeadm cluster: its files are `/etc/kubernetes/pki/NAME.crt` and `.key`. */
export type AuthorityName = LeafCertificate['issuer'];

const WHAT: Readonly<Record<AuthorityName, string>> = {
  ca: 'the cluster CA expires, and with it what was signed to end with it',
  'etcd/ca': "etcd's CA expires; what it signed does not",
  'front-proxy-ca': 'the front proxy CA expires; what it signed does not',
};

/** Ten years after a cluster was made one of its CAs expires, with its key still on the node. */
export function authorityExpired(authority: AuthorityName): ClusterScenario {
  return {
    what: WHAT[authority],
    createCluster,
    breakCluster: (cluster, deps) => expireAuthority(cluster, authority, deps),
    proveDeath: (cluster, deps) => proveAuthorityDeath(cluster, authority, deps),
    proveLife: (cluster, input, deps) => proveAuthorityLife(cluster, authority, input, deps),
  };
}
