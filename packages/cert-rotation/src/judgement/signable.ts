import { isRecoveryError } from '@kube-rescue/errors';
import { isIpAddress } from '@kube-rescue/host';
import {
  allowsUsage,
  type Certificate,
  detailCertificate,
  findCaRight,
  findForbiddenExtension,
  hasOnlyKnownExtensions,
  isStrictDer,
  isUnreadableName,
  readSubject,
  type SubjectIdentity,
} from '@kube-rescue/x509';
import type { CertificateId } from '../inventory/catalogue.ts';
import type { CertificateEntry } from '../inventory/inventory.ts';

/** The user, groups and usages that a certificate of the catalogue may claim. */
interface Identity {
  /** The API server takes the common name as the user (kubernetes docs, "Authenticating", X509 client certificates). */
  readonly commonName: RegExp;
  /** The API server takes the organizations as the user's groups. */
  readonly groups: readonly string[];
  readonly usages: readonly string[];
}

/** Since 1.29 kubeadm puts administrators into the second group (`app/constants/constants.go`). */
const ADMINISTRATORS = ['system:masters', 'kubeadm:cluster-admins'];
const SERVER = ['serverAuth'];
const CLIENT = ['clientAuth'];
const BOTH = [...SERVER, ...CLIENT];
const ETCD = /etcd/i;
const API_SERVER = /^(?:kube-?|kubernetes-?)?(?:api-?server|api|master)$|^kubernetes$/i;
const ADMIN = /^(?:kubernetes-|kube-|cluster-)?(?:super-)?admin$|^kubernetes$/i;

/**
 * kubeadm `app/phases/certs/certlist.go` and `app/phases/kubeconfig/kubeconfig.go`; the names of kubespray, kops and
 * kubernetes-the-hard-way beside kubeadm's.
 */
const IDENTITIES: Readonly<Record<CertificateId, Identity>> = {
  // Tectonic's etcd certificates have the organization etcd.
  'etcd/server': { commonName: ETCD, groups: ['etcd'], usages: BOTH },
  'etcd/peer': { commonName: ETCD, groups: ['etcd'], usages: BOTH },
  'etcd/healthcheck-client': { commonName: /etcd|health/i, groups: ['system:masters', 'etcd'], usages: CLIENT },
  'apiserver-etcd-client': {
    commonName: /etcd|^kube-?api-?server|^kubernetes$|^root$/i,
    groups: ['system:masters', 'etcd'],
    usages: CLIENT,
  },
  apiserver: { commonName: API_SERVER, groups: [], usages: SERVER },
  'apiserver-kubelet-client': {
    commonName: /^(?:kube-)?api-?server-kubelet-client$|^kubelet-(?:api|client)$|^(?:kube-)?api-?server$|^kubernetes$/i,
    groups: ADMINISTRATORS,
    usages: CLIENT,
  },
  'front-proxy-client': {
    commonName: /front-?proxy|aggregator|proxy-client|^(?:kube-)?api-?server$/i,
    groups: [],
    usages: CLIENT,
  },
  'admin.conf': { commonName: ADMIN, groups: ADMINISTRATORS, usages: CLIENT },
  'super-admin.conf': { commonName: ADMIN, groups: ADMINISTRATORS, usages: CLIENT },
  'controller-manager.conf': {
    commonName: /^system:kube-controller-manager$/,
    groups: ['system:kube-controller-manager'],
    usages: CLIENT,
  },
  'scheduler.conf': { commonName: /^system:kube-scheduler$/, groups: ['system:kube-scheduler'], usages: CLIENT },
  'kubelet-client': { commonName: /^system:node:[^\s:]+$/, groups: ['system:nodes'], usages: CLIENT },
  'kubelet-serving': { commonName: /^/, groups: ['system:nodes'], usages: SERVER },
};

/** Organizations without rights in Kubernetes, which other tools write into every certificate. */
const HARMLESS_GROUPS = ['Kubernetes', 'kubernetes', 'k8s', 'etcd', 'kube-master', 'bootkube'];
/** 1.3.6.1.4.1.57683.2, the user's UID (Kubernetes `apiserver/pkg/authentication/request/x509/x509.go`). */
const USER_UID = '2b0601040183c25302';

/** A name of Kubernetes' own users and groups, in any case and with blanks around it. */
function isReserved(name: string): boolean {
  return /^\s*(?:system|kubeadm)\s*:/i.test(name.normalize('NFKC'));
}

type Slot = Pick<CertificateEntry, 'id' | 'alsoServesAs' | 'names' | 'ca'>;

/** The identity of every purpose that one pair of files has. */
function identityOf({ id, alsoServesAs }: Slot): Identity {
  const all = [id, ...alsoServesAs].map((each) => IDENTITIES[each]);
  return {
    commonName: new RegExp(all.map(({ commonName }) => `(?:${commonName.source})`).join('|'), commonFlags(all)),
    groups: all.flatMap(({ groups }) => groups),
    usages: all.flatMap(({ usages }) => usages),
  };
}

function commonFlags(all: readonly Identity[]): string {
  return all.every(({ commonName }) => commonName.ignoreCase) ? 'i' : '';
}

/** kubeadm names the certificates of an etcd member and many tools name a server certificate after the node. */
function isOwnName(name: string, { names }: Slot, certificate: Certificate): boolean {
  const dns = detailCertificate(certificate, certificate.notAfter).subjectAltNames;
  return (
    names.includes(name) ||
    (!isReserved(name) && dns.some((each) => each.toLowerCase() === `dns:${name}`.toLowerCase()))
  );
}

/** bootkube and Tectonic give the kubelets of a self-hosted cluster one administrator's certificate (`pkg/asset/tls.go`). */
function isKubeletOfBootkube({ id }: Slot, { commonNames, organizations }: SubjectIdentity): boolean {
  return (
    id === 'kubelet-client' &&
    String(commonNames) === 'kubelet' &&
    organizations.every((each) => each === 'system:masters')
  );
}

function findForeignSubject(
  slot: Slot,
  certificate: Certificate,
  { isOurs }: { readonly isOurs: boolean },
): string | undefined {
  const { commonName, groups } = identityOf(slot);
  const subject: SubjectIdentity = readSubject(certificate);
  if (subject.others.some(isUnreadableName)) return 'a name that cannot be read';
  if (subject.others.includes(USER_UID)) return 'the UID of a user';
  if (isOurs && isKubeletOfBootkube(slot, subject)) return undefined;
  const isClient = allowsUsage(certificate, 'client');
  // A CA of its own gives no rights in the API server; files that share one CA have the id of the cluster CA.
  const givesNoRights = isOurs && slot.ca !== 'cluster';
  const foreign = subject.organizations.filter(
    (each) =>
      !groups.includes(each) &&
      (isReserved(each) || (!givesNoRights && !HARMLESS_GROUPS.includes(each) && (isClient || !isOurs))),
  );
  if (foreign.length > 0) return `the group ${foreign.join(', ')}`;
  const isServer = allowsUsage(certificate, 'server') && identityOf(slot).usages.includes('serverAuth');
  const isAdministrator = isOurs && subject.organizations.some((each) => ADMINISTRATORS.includes(each));
  const wrong = subject.commonNames.find((name) => {
    if (commonName.test(name)) return false;
    if (isReserved(name)) return true;
    if (givesNoRights) return false;
    if (isServer && ((isOurs && !isClient) || isOwnName(name, slot, certificate))) return false;
    return !isAdministrator;
  });
  if (wrong !== undefined) return `the user ${wrong}`;
  const isNameless = subject.commonNames.every((name) => name === '');
  return isNameless && isClient && !isServer ? 'no user' : undefined;
}

/** DNS names that every API server and etcd member may have: kubeadm `app/util/pkiutil/pki_helpers.go`. */
const USUAL_NAMES = /^(?:localhost|kubernetes(?:\.default(?:\.svc(?:\.[a-z0-9-]+)*)?)?|[a-z0-9-]{1,63})$/i;
const LOOPBACK = ['127.0.0.1', '::1'];

/** A subject alternative name that is not known to be this node's. */
function findForeignName({ names }: Slot, certificate: Certificate): string | undefined {
  const own = new Set(names.map((name) => name.toLowerCase()));
  return detailCertificate(certificate, certificate.notAfter).subjectAltNames.find((each) => {
    const [, kind = '', name = ''] = /^(DNS|IP):(.*)$/s.exec(each) ?? [];
    if (own.has(name.toLowerCase()) || (kind === 'IP' && LOOPBACK.includes(name))) return false;
    return kind !== 'DNS' || isIpAddress(name) || !USUAL_NAMES.test(name);
  });
}

/**
 * Why a certificate may not be signed again as it stands, from any signer: a right of a CA, or content that a verifier refuses.
 */
export function findForbiddenContent(certificate: Certificate): string | undefined {
  return readable(() => {
    const right = findCaRight(certificate);
    if (right !== undefined) return `${right}, which the certificate of a component never can`;
    const extension = findForbiddenExtension(certificate);
    if (extension !== undefined) return extension;
    return isStrictDer(certificate) ? undefined : 'has lengths that are not the shortest, which Go does not read';
  });
}

/**
 * Why a certificate may not be signed again for its purpose: it claims more than the catalogue gives it. `undefined` when a
 * renewal may copy it.
 *
 * No leaf may claim a user or group of Kubernetes that the catalogue does not give it. One that no CA of the cluster signed
 * (`isOurs` is false) must be the catalogue's in everything: subject, usages, names of this node, known extensions.
 */
export function findForeignClaim(
  slot: Slot,
  certificate: Certificate,
  options: { readonly isOurs: boolean },
): string | undefined {
  return readable(() => findClaim(slot, certificate, options));
}

function readable(find: () => string | undefined): string | undefined {
  try {
    return find();
  } catch (error) {
    if (isRecoveryError(error)) return 'has a field that cannot be read';
    throw error;
  }
}

function findClaim(slot: Slot, certificate: Certificate, options: { readonly isOurs: boolean }): string | undefined {
  const foreign = findForeignSubject(slot, certificate, options);
  if (foreign !== undefined) return `claims ${foreign}, which this certificate never has`;
  if (options.isOurs) return undefined;
  const { extendedKeyUsage } = detailCertificate(certificate, certificate.notAfter);
  const usage = extendedKeyUsage.find((each) => !identityOf(slot).usages.includes(each));
  if (usage !== undefined) return `allows ${usage}, which this certificate never has`;
  const name = findForeignName(slot, certificate);
  if (name !== undefined) return `names ${name}, which is not known to be this node's`;
  return hasOnlyKnownExtensions(certificate) ? undefined : 'has an extension that is not known';
}
