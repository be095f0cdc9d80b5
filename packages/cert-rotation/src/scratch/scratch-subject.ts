import { findFlag, hostOfUrl } from '@kube-rescue/node-config';
import { isIpAddress } from '@kube-rescue/host';
import type { Usage } from '@kube-rescue/x509';
import type { CertificateId } from '../inventory/catalogue.ts';
import type { CertificateEntry, InspectionInput } from '../inventory/inventory.ts';
import { firstServiceAddress, SERVICE_NAMES } from '../inventory/served-names.ts';
import type { ScratchFacts } from './scratch-facts.ts';

/** What a certificate from scratch says. */
export interface ScratchSubject {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly usages: readonly Usage[];
  /** DNS names, then addresses, as kubeadm orders them. */
  readonly names: readonly string[];
}

/** A fact without which a certificate cannot be made from scratch. */
export interface MissingFact {
  /** Completes "cannot be made from scratch: ...". */
  readonly missing: string;
}

interface Source {
  readonly facts: ScratchFacts;
  readonly entry: Pick<CertificateEntry, 'names'>;
  readonly components: InspectionInput['components'];
  readonly nodeName: string;
  /** Since 1.29 kubeadm gives administrators a group of their own, and clients of etcd none. */
  readonly isSince129: boolean;
}

type Draft = Omit<ScratchSubject, 'usages' | 'organizations' | 'names'> &
  Partial<Pick<ScratchSubject, 'usages' | 'organizations' | 'names'>>;

const MASTERS = 'system:masters';
const CLUSTER_ADMINS = 'kubeadm:cluster-admins';

function administrators({ isSince129 }: Source): readonly string[] {
  return [isSince129 ? CLUSTER_ADMINS : MASTERS];
}

function etcdNames({ entry, components, nodeName }: Source, more: readonly string[]): readonly string[] {
  const address = findFlag(components, { component: 'kube-apiserver', flag: 'advertise-address' });
  return [
    nodeName,
    'localhost',
    ...(address === undefined ? [] : [address]),
    '127.0.0.1',
    '::1',
    ...entry.names,
    ...more,
  ];
}

function etcdMember(source: Source, more: readonly string[]): Draft {
  return { commonName: source.nodeName, usages: ['server', 'client'], names: etcdNames(source, more) };
}

function etcdClient(commonName: string, { isSince129 }: Source): Draft {
  return { commonName, organizations: isSince129 ? [] : [MASTERS] };
}

function hostOf(url: string | undefined): readonly string[] {
  const host = url === undefined ? undefined : hostOfUrl(url);
  return host === undefined ? [] : [host];
}

/** kubeadm `app/phases/certs/certlist.go`, `app/phases/kubeconfig/kubeconfig.go` and `app/util/pkiutil/pki_helpers.go`. */
const SUBJECTS: Readonly<Record<CertificateId, ((source: Source) => Draft) | undefined>> = {
  'etcd/server': (source) => etcdMember(source, source.facts.etcdServerNames),
  'etcd/peer': (source) => etcdMember(source, source.facts.etcdPeerNames),
  'etcd/healthcheck-client': (source) => etcdClient('kube-etcd-healthcheck-client', source),
  'apiserver-etcd-client': (source) => etcdClient('kube-apiserver-etcd-client', source),
  apiserver: ({ facts, entry, nodeName }) => ({
    commonName: 'kube-apiserver',
    usages: ['server'],
    names: [
      nodeName,
      ...SERVICE_NAMES,
      `kubernetes.default.svc.${facts.clusterDomain}`,
      ...entry.names,
      ...hostOf(facts.controlPlaneUrl),
      ...facts.apiServerNames,
    ],
  }),
  'apiserver-kubelet-client': (source) => ({
    commonName: 'kube-apiserver-kubelet-client',
    organizations: administrators(source),
  }),
  'front-proxy-client': () => ({ commonName: 'front-proxy-client' }),
  'admin.conf': (source) => ({ commonName: 'kubernetes-admin', organizations: administrators(source) }),
  'super-admin.conf': () => ({ commonName: 'kubernetes-super-admin', organizations: [MASTERS] }),
  'controller-manager.conf': () => ({ commonName: 'system:kube-controller-manager' }),
  'scheduler.conf': () => ({ commonName: 'system:kube-scheduler' }),
  'kubelet-client': ({ nodeName }) => ({ commonName: `system:node:${nodeName}`, organizations: ['system:nodes'] }),
  'kubelet-serving': undefined,
};

/** Whose subject depends on the name of the node, and on the version of Kubernetes. */
const NEEDS_NAME: readonly CertificateId[] = ['etcd/server', 'etcd/peer', 'apiserver', 'kubelet-client'];
const NEEDS_VERSION: readonly CertificateId[] = [
  'etcd/healthcheck-client',
  'apiserver-etcd-client',
  'apiserver-kubelet-client',
  'admin.conf',
];

/** Each once, as kubeadm orders them (`pki_helpers.go` RemoveDuplicateAltNames): DNS names sorted, then addresses. */
function inOrder(names: readonly string[]): readonly string[] {
  const unique = [...new Set(names)];
  return [...unique.filter((name) => !isIpAddress(name)).toSorted(), ...unique.filter(isIpAddress)];
}

/**
 * The subject, names and usages that kubeadm gives a certificate of its catalogue, from this node's flags and facts; nothing is
 * guessed.
 */
export function planSubject(
  entry: Pick<CertificateEntry, 'id' | 'names'>,
  { facts, components, addNames }: Pick<Source, 'facts' | 'components'> & { readonly addNames: readonly string[] },
): ScratchSubject | MissingFact {
  const { id } = entry;
  const make = SUBJECTS[id];
  if (make === undefined) return { missing: 'kubeadm makes no such certificate' };
  const { nodeName = '', kubernetesMinor } = facts;
  if (nodeName === '' && NEEDS_NAME.includes(id)) return { missing: 'nothing on this node shows the name of the Node' };
  if (kubernetesMinor === undefined && NEEDS_VERSION.includes(id)) {
    return { missing: "the API server's manifest does not show the version of Kubernetes" };
  }
  const range = findFlag(components, { component: 'kube-apiserver', flag: 'service-cluster-ip-range' });
  const address = findFlag(components, { component: 'kube-apiserver', flag: 'advertise-address' });
  if (id === 'apiserver' && (address === undefined || firstServiceAddress(range ?? '') === undefined)) {
    return { missing: 'the API server has no --advertise-address or no --service-cluster-ip-range' };
  }
  const isSince129 = (kubernetesMinor ?? 0) >= 29;
  const draft = make({ facts, entry, components, nodeName, isSince129 });
  const { commonName, organizations = [], usages = ['client'], names = [] } = draft;
  return { commonName, organizations, usages, names: inOrder(names.length === 0 ? [] : [...names, ...addNames]) };
}
