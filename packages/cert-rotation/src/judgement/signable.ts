import type { Certificate } from '@kube-rescue/x509';
import type { CertificateId } from '../inventory/catalogue.ts';

/** The user and groups that a certificate of the catalogue may claim. */
interface Identity {
  /** The API server takes the common name as the user (kubernetes docs, "Authenticating", X509 client certificates). */
  readonly commonName: RegExp;
  /** The API server takes the organizations as the user's groups. */
  readonly groups: readonly string[];
}

/** A common name that gives its holder no rights of a built-in user. */
const NO_SYSTEM_USER = /^(?!system:)/;
/** Since 1.29 kubeadm puts administrators into the second group (`app/constants/constants.go`). */
const ADMINISTRATORS = ['system:masters', 'kubeadm:cluster-admins'];

/** kubeadm `app/phases/certs/certlist.go` and `app/phases/kubeconfig/kubeconfig.go`. */
const IDENTITIES: Readonly<Record<CertificateId, Identity>> = {
  // Tectonic's etcd certificates have the organization etcd.
  'etcd/server': { commonName: NO_SYSTEM_USER, groups: ['etcd'] },
  'etcd/peer': { commonName: NO_SYSTEM_USER, groups: ['etcd'] },
  'etcd/healthcheck-client': { commonName: NO_SYSTEM_USER, groups: ['system:masters', 'etcd'] },
  'apiserver-etcd-client': { commonName: NO_SYSTEM_USER, groups: ['system:masters', 'etcd'] },
  apiserver: { commonName: NO_SYSTEM_USER, groups: [] },
  'apiserver-kubelet-client': { commonName: NO_SYSTEM_USER, groups: ADMINISTRATORS },
  'front-proxy-client': { commonName: NO_SYSTEM_USER, groups: [] },
  'admin.conf': { commonName: NO_SYSTEM_USER, groups: ADMINISTRATORS },
  'super-admin.conf': { commonName: NO_SYSTEM_USER, groups: ADMINISTRATORS },
  'controller-manager.conf': { commonName: /^system:kube-controller-manager$/, groups: [] },
  'scheduler.conf': { commonName: /^system:kube-scheduler$/, groups: [] },
  'kubelet-client': { commonName: /^system:node:/, groups: ['system:nodes'] },
  'kubelet-serving': { commonName: /^/, groups: ['system:nodes'] },
};

/**
 * Why the identity in a certificate is not one that the catalogue gives to `id`; `undefined` when it is.
 *
 * Call it for a certificate that no CA of the cluster signed: signing it unchanged would give its rights to the
 * author of the file. Does not check names in subjectAltName.
 */
export function findForeignIdentity(id: CertificateId, { x509 }: Certificate): string | undefined {
  const { commonName, groups } = IDENTITIES[id];
  const { CN: names, O: organizations } = x509.toLegacyObject().subject as Readonly<
    Record<string, string | readonly string[] | undefined>
  >;
  const foreign = listOf(organizations).filter((each) => !groups.includes(each));
  if (foreign.length > 0) return `the group ${foreign.join(', ')}`;
  const wrong = listOf(names).find((each) => !commonName.test(each));
  return wrong === undefined ? undefined : `the user ${wrong}`;
}

function listOf(value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  return typeof value === 'string' ? [value] : value;
}
