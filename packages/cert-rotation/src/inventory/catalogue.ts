import type { Usage } from '@kube-rescue/x509';
import type { Component, FlagReference } from '@kube-rescue/node-config';

/** The CAs of a kubeadm node. */
export type CaId = 'cluster' | 'etcd' | 'etcd-peer' | 'front-proxy';

/** The addresses that a serving certificate must name; see served-names.ts. */
export type ServedNames = 'apiserver' | 'etcd-clients' | 'etcd-peers';

/** Location of a certificate. */
export type CertificateLocation =
  | { readonly in: 'files'; readonly certificateFlag: string; readonly keyFlag: string }
  /** No flag names it: `BASE.crt` and `BASE.key` below the directory of the certificates. */
  | { readonly in: 'files'; readonly baseName: string }
  /** In a kubeconfig, or in the files that it names. Without a flag: by its usual name in the directory of Kubernetes. */
  | { readonly in: 'kubeconfig'; readonly fileName: string; readonly flag?: string }
  | { readonly in: 'kubelet-store' }
  | { readonly in: 'kubelet-self-signed' };

/** One certificate of a kubeadm node. Steps, ids, help and documentation derive from it. */
export interface CertificateDefinition {
  readonly id: string;
  /** kubeadm's name in short form; completes "renew the ...". */
  readonly name: string;
  /** Presents the certificate; without it the node has no such certificate. `undefined`: the operator's kubectl. */
  readonly component: Component | undefined;
  readonly location: CertificateLocation;
  /** The CA that signs it; `undefined`: self-signed. */
  readonly ca: CaId | undefined;
  /** Extended key usages (RFC 5280 section 4.2.1.12). */
  readonly usages: readonly Usage[];
  readonly servedNames?: ServedNames;
  /** No component and no recovery reads it: such a file never blocks the others. */
  readonly isSpare?: true;
}

/** How a CA is found. */
export interface CaDefinition {
  readonly id: CaId;
  readonly name: string;
  /** Flags that name its certificate or bundle; the first that is set counts. */
  readonly certificateFlags: readonly FlagReference[];
  /** The certificate below the directory of the certificates, when no flag is set. */
  readonly baseName: string;
  /** Flags that name its key. A `.key` beside the certificate counts too. */
  readonly keyFlags: readonly FlagReference[];
}

/**
 * The leaf certificates of a kubeadm node, in the order in which a control plane needs them.
 *
 * kubeadm `app/phases/certs/certlist.go` and `app/phases/kubeconfig/kubeconfig.go`; the flags from
 * `app/phases/controlplane/manifests.go` and `app/phases/etcd/local.go`; the kubelet's from
 * `cmd/kubelet/app/server.go` and client-go `util/certificate/certificate_store.go`.
 */
export const CERTIFICATES = [
  {
    id: 'etcd/server',
    name: 'etcd server certificate',
    component: 'etcd',
    location: { in: 'files', certificateFlag: 'cert-file', keyFlag: 'key-file' },
    ca: 'etcd',
    usages: ['server'],
    servedNames: 'etcd-clients',
  },
  {
    id: 'etcd/peer',
    name: 'etcd peer certificate',
    component: 'etcd',
    location: { in: 'files', certificateFlag: 'peer-cert-file', keyFlag: 'peer-key-file' },
    ca: 'etcd-peer',
    usages: ['server', 'client'],
    servedNames: 'etcd-peers',
  },
  {
    id: 'etcd/healthcheck-client',
    name: 'etcd health check client certificate',
    component: 'etcd',
    location: { in: 'files', baseName: 'etcd/healthcheck-client' },
    ca: 'etcd',
    usages: ['client'],
  },
  {
    id: 'apiserver-etcd-client',
    name: 'API server client certificate for etcd',
    component: 'kube-apiserver',
    location: { in: 'files', certificateFlag: 'etcd-certfile', keyFlag: 'etcd-keyfile' },
    ca: 'etcd',
    usages: ['client'],
  },
  {
    id: 'apiserver',
    name: 'API server serving certificate',
    component: 'kube-apiserver',
    location: { in: 'files', certificateFlag: 'tls-cert-file', keyFlag: 'tls-private-key-file' },
    ca: 'cluster',
    usages: ['server'],
    servedNames: 'apiserver',
  },
  {
    id: 'apiserver-kubelet-client',
    name: 'API server client certificate for the kubelet',
    component: 'kube-apiserver',
    location: { in: 'files', certificateFlag: 'kubelet-client-certificate', keyFlag: 'kubelet-client-key' },
    ca: 'cluster',
    usages: ['client'],
  },
  {
    id: 'front-proxy-client',
    name: 'front proxy client certificate',
    component: 'kube-apiserver',
    location: { in: 'files', certificateFlag: 'proxy-client-cert-file', keyFlag: 'proxy-client-key-file' },
    ca: 'front-proxy',
    usages: ['client'],
  },
  {
    id: 'admin.conf',
    name: 'client certificate in admin.conf',
    component: undefined,
    location: { in: 'kubeconfig', fileName: 'admin.conf' },
    ca: 'cluster',
    usages: ['client'],
  },
  {
    id: 'super-admin.conf',
    name: 'client certificate in super-admin.conf',
    component: undefined,
    location: { in: 'kubeconfig', fileName: 'super-admin.conf' },
    ca: 'cluster',
    usages: ['client'],
    isSpare: true,
  },
  {
    id: 'controller-manager.conf',
    name: 'client certificate in controller-manager.conf',
    component: 'kube-controller-manager',
    location: { in: 'kubeconfig', fileName: 'controller-manager.conf', flag: 'kubeconfig' },
    ca: 'cluster',
    usages: ['client'],
  },
  {
    id: 'scheduler.conf',
    name: 'client certificate in scheduler.conf',
    component: 'kube-scheduler',
    location: { in: 'kubeconfig', fileName: 'scheduler.conf', flag: 'kubeconfig' },
    ca: 'cluster',
    usages: ['client'],
  },
  {
    id: 'kubelet-client',
    name: 'kubelet client certificate',
    component: 'kubelet',
    location: { in: 'kubelet-store' },
    ca: 'cluster',
    usages: ['client'],
  },
  {
    id: 'kubelet-serving',
    name: 'kubelet serving certificate',
    component: 'kubelet',
    location: { in: 'kubelet-self-signed' },
    ca: undefined,
    usages: ['server'],
  },
] as const satisfies readonly CertificateDefinition[];

export type CertificateId = (typeof CERTIFICATES)[number]['id'];

/** The CAs of a kubeadm node. */
export const CA_DEFINITIONS: readonly CaDefinition[] = [
  {
    id: 'cluster',
    name: 'cluster CA',
    certificateFlags: [
      { component: 'kube-apiserver', flag: 'client-ca-file' },
      { component: 'kube-controller-manager', flag: 'root-ca-file' },
      { component: 'kube-controller-manager', flag: 'cluster-signing-cert-file' },
    ],
    baseName: 'ca',
    keyFlags: [{ component: 'kube-controller-manager', flag: 'cluster-signing-key-file' }],
  },
  {
    id: 'etcd',
    name: 'etcd CA',
    certificateFlags: [
      { component: 'etcd', flag: 'trusted-ca-file' },
      { component: 'kube-apiserver', flag: 'etcd-cafile' },
    ],
    baseName: 'etcd/ca',
    keyFlags: [],
  },
  {
    id: 'etcd-peer',
    name: 'etcd peer CA',
    certificateFlags: [{ component: 'etcd', flag: 'peer-trusted-ca-file' }],
    baseName: 'etcd/ca',
    keyFlags: [],
  },
  {
    id: 'front-proxy',
    name: 'front proxy CA',
    certificateFlags: [{ component: 'kube-apiserver', flag: 'requestheader-client-ca-file' }],
    baseName: 'front-proxy-ca',
    keyFlags: [],
  },
];

/** The id of the step that renews a certificate, for example `pki/renew/etcd/server` or `kubelet/renew/client`. */
export function renewalStepId(definition: CertificateDefinition): string {
  if (definition.component === 'kubelet') return `kubelet/renew/${definition.id.slice('kubelet-'.length)}`;
  return definition.location.in === 'kubeconfig' ? `kubeconfig/renew/${definition.id}` : `pki/renew/${definition.id}`;
}

/** The id of the step that reissues a CA, for example `pki/reissue/cluster-ca`. */
export function reissueStepId(id: CaId): string {
  return `pki/reissue/${id}-ca`;
}
