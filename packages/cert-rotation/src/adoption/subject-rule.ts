import { type Certificate, readSubject } from '@kube-rescue/x509';
import { type Component, findFlag } from '@kube-rescue/node-config';
import type { CertificateId } from '../inventory/catalogue.ts';
import type { CertificateEntry, CertificateInventory } from '../inventory/inventory.ts';

/** What the programs that verify a certificate ask of its subject, when another certificate takes its place. */
export interface SubjectRule {
  /** Whether they would take this subject. Its chain, dates, names and usages are judged elsewhere. */
  readonly accepts: (certificate: Certificate) => boolean;
  /** The rule in words, for the operator. */
  readonly words: string;
}

const SERVERS: readonly CertificateId[] = ['etcd/server', 'apiserver', 'kubelet-serving'];
const ETCD_CLIENTS: readonly CertificateId[] = ['etcd/healthcheck-client', 'apiserver-etcd-client'];

/** The group that the API server's own authorizer lets do everything, `k8s.io/apiserver/pkg/authentication/user/user.go`. */
const ALL_RIGHTS = 'system:masters';

function commonNameOf(certificate: Certificate): string | undefined {
  return readSubject(certificate).commonNames.at(-1);
}

/** The user and the groups that the API server takes from a client certificate (`request/x509/x509.go`, CommonNameUserConversion). */
function isSameIdentity(a: Certificate, b: Certificate): boolean {
  const groups = (certificate: Certificate): string => readSubject(certificate).organizations.toSorted().join('\n');
  const areMasters = [a, b].every((each) => readSubject(each).organizations.includes(ALL_RIGHTS));
  return areMasters || (commonNameOf(a) === commonNameOf(b) && groups(a) === groups(b));
}

/** A flag that lists the common names that are taken; empty or absent takes any. */
function listedNames(component: Component, flag: string, { input }: CertificateInventory): readonly string[] {
  const names = (findFlag(input.components, { component, flag }) ?? '').split(',').map((name) => name.trim());
  return names.filter((name) => name !== '');
}

function byCommonName(names: readonly string[], flag: string, otherwise: string): SubjectRule {
  if (names.length === 0) return { accepts: () => true, words: otherwise };
  return {
    accepts: (certificate) => names.includes(commonNameOf(certificate) ?? ''),
    words: `--${flag} takes the common names ${names.join(', ')}`,
  };
}

function ruleOf(id: CertificateId, { certificate }: CertificateEntry, inventory: CertificateInventory): SubjectRule {
  if (id === 'etcd/peer') {
    const flag = 'peer-cert-allowed-cn';
    return byCommonName(listedNames('etcd', flag, inventory), flag, 'etcd judges chain, names and usages of a peer');
  }
  if (ETCD_CLIENTS.includes(id)) {
    return { accepts: () => true, words: 'etcd without users of its own judges chain and usage of a client' };
  }
  if (id === 'front-proxy-client') {
    const flag = 'requestheader-allowed-names';
    const otherwise = `without --${flag} any certificate of its CA is taken`;
    return byCommonName(listedNames('kube-apiserver', flag, inventory), flag, otherwise);
  }
  if (SERVERS.includes(id)) return { accepts: () => true, words: 'its clients judge chain and names' };
  return {
    accepts: (other) => certificate.ok && isSameIdentity(certificate.value, other),
    words: 'the API server takes user and groups from the subject',
  };
}

/**
 * The rule by which the verifiers of this certificate judge a subject: clients of a server judge its names alone; etcd judges
 * the common name of a peer where `--peer-cert-allowed-cn` is set, and no subject of a client while its users are not
 * authenticated; the API server judges the front proxy by `--requestheader-allowed-names`, and takes the user and the groups of
 * every other client from its subject. A certificate of several purposes must suit the verifiers of all of them. Does not know
 * whether etcd authenticates users.
 *
 * etcd `client/pkg/transport/listener.go` and `server/embed/config.go`; Kubernetes `request/x509/x509.go`.
 */
export function subjectRuleOf(entry: CertificateEntry, inventory: CertificateInventory): SubjectRule {
  const rules = [entry.id, ...entry.alsoServesAs].map((id) => ruleOf(id, entry, inventory));
  return {
    accepts: (certificate) => rules.every((rule) => rule.accepts(certificate)),
    words: [...new Set(rules.map(({ words }) => words))].join('; '),
  };
}

/** Whether the last common name is the same, the best sign of a certificate made for the same purpose. */
export function hasSameCommonName(a: Certificate, b: Certificate): boolean {
  return commonNameOf(a) === commonNameOf(b);
}
