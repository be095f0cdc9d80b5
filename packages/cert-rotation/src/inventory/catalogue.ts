import type { Usage } from '@kube-rescue/x509';
import type { Component, FlagReference } from '@kube-rescue/node-config';

/** What a certificate is used for, as extended key usages say it (RFC 5280 section 4.2.1.12). */

/** Which authority must have signed a certificate. */
export type CaId = 'cluster' | 'etcd' | 'etcd-peer' | 'front-proxy';

/** Which addresses a serving certificate must name; see served-names.ts. */
export type ServedNames = 'apiserver' | 'etcd-clients' | 'etcd-peers';

/** Where a certificate is kept. */
export type CertificateLocation =
  | { readonly in: 'files'; readonly certificateFlag: string; readonly keyFlag: string }
  /** No flag names it: `BASE.crt` and `BASE.key` below the folder of the certificates. */
  | { readonly in: 'files'; readonly baseName: string }
  /** In a kubeconfig, or in the files that it names. Without a flag: by its usual name in the folder of Kubernetes. */
  | { readonly in: 'kubeconfig'; readonly fileName: string; readonly flag?: string }
  | { readonly in: 'kubelet-store' }
  | { readonly in: 'kubelet-self-signed' };

/** One certificate of a kubeadm node. Steps, ids, help and documentation derive from it. */
export interface CertificateDefinition {
  readonly id: string;
  /** For people; completes "renew ...". */
  readonly name: string;
  /** Who presents it; without that component on the node there is no such certificate. `undefined`: people do. */
  readonly component: Component | undefined;
  readonly home: CertificateLocation;
  /** `undefined`: signed by itself. */
  readonly ca: CaId | undefined;
  readonly usages: readonly Usage[];
  readonly servedNames?: ServedNames;
}

/** How an authority is found. */
export interface CaDefinition {
  readonly id: CaId;
  readonly name: string;
  /** Flags that name its certificate or bundle; the first that is set holds. */
  readonly certificateFlags: readonly FlagReference[];
  /** The certificate below the folder of the certificates, when no flag is set. */
  readonly baseName: string;
  /** Flags that name its key. A `.key` beside the certificate is looked at too. */
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
    name: "etcd's serving certificate",
    component: 'etcd',
    home: { in: 'files', certificateFlag: 'cert-file', keyFlag: 'key-file' },
    ca: 'etcd',
    usages: ['server'],
    servedNames: 'etcd-clients',
  },
  {
    id: 'etcd/peer',
    name: "etcd's certificate between its members",
    component: 'etcd',
    home: { in: 'files', certificateFlag: 'peer-cert-file', keyFlag: 'peer-key-file' },
    ca: 'etcd-peer',
    usages: ['server', 'client'],
    servedNames: 'etcd-peers',
  },
  {
    id: 'etcd/healthcheck-client',
    name: "etcd's health check certificate",
    component: 'etcd',
    home: { in: 'files', baseName: 'etcd/healthcheck-client' },
    ca: 'etcd',
    usages: ['client'],
  },
  {
    id: 'apiserver-etcd-client',
    name: "the API server's certificate towards etcd",
    component: 'kube-apiserver',
    home: { in: 'files', certificateFlag: 'etcd-certfile', keyFlag: 'etcd-keyfile' },
    ca: 'etcd',
    usages: ['client'],
  },
  {
    id: 'apiserver',
    name: "the API server's serving certificate",
    component: 'kube-apiserver',
    home: { in: 'files', certificateFlag: 'tls-cert-file', keyFlag: 'tls-private-key-file' },
    ca: 'cluster',
    usages: ['server'],
    servedNames: 'apiserver',
  },
  {
    id: 'apiserver-kubelet-client',
    name: "the API server's certificate towards kubelets",
    component: 'kube-apiserver',
    home: { in: 'files', certificateFlag: 'kubelet-client-certificate', keyFlag: 'kubelet-client-key' },
    ca: 'cluster',
    usages: ['client'],
  },
  {
    id: 'front-proxy-client',
    name: "the API server's certificate towards extension API servers",
    component: 'kube-apiserver',
    home: { in: 'files', certificateFlag: 'proxy-client-cert-file', keyFlag: 'proxy-client-key-file' },
    ca: 'front-proxy',
    usages: ['client'],
  },
  {
    id: 'admin.conf',
    name: "the administrator's kubeconfig",
    component: undefined,
    home: { in: 'kubeconfig', fileName: 'admin.conf' },
    ca: 'cluster',
    usages: ['client'],
  },
  {
    id: 'super-admin.conf',
    name: "the super administrator's kubeconfig",
    component: undefined,
    home: { in: 'kubeconfig', fileName: 'super-admin.conf' },
    ca: 'cluster',
    usages: ['client'],
  },
  {
    id: 'controller-manager.conf',
    name: "the controller manager's kubeconfig",
    component: 'kube-controller-manager',
    home: { in: 'kubeconfig', fileName: 'controller-manager.conf', flag: 'kubeconfig' },
    ca: 'cluster',
    usages: ['client'],
  },
  {
    id: 'scheduler.conf',
    name: "the scheduler's kubeconfig",
    component: 'kube-scheduler',
    home: { in: 'kubeconfig', fileName: 'scheduler.conf', flag: 'kubeconfig' },
    ca: 'cluster',
    usages: ['client'],
  },
  {
    id: 'kubelet-client',
    name: "the kubelet's certificate towards the API server",
    component: 'kubelet',
    home: { in: 'kubelet-store' },
    ca: 'cluster',
    usages: ['client'],
  },
  {
    id: 'kubelet-serving',
    name: "the kubelet's own serving certificate",
    component: 'kubelet',
    home: { in: 'kubelet-self-signed' },
    ca: undefined,
    usages: ['server'],
  },
] as const satisfies readonly CertificateDefinition[];

export type CertificateId = (typeof CERTIFICATES)[number]['id'];

/** The authorities of a kubeadm node. */
export const CA_DEFINITIONS: readonly CaDefinition[] = [
  {
    id: 'cluster',
    name: 'the cluster CA',
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
    name: "etcd's CA",
    certificateFlags: [
      { component: 'etcd', flag: 'trusted-ca-file' },
      { component: 'kube-apiserver', flag: 'etcd-cafile' },
    ],
    baseName: 'etcd/ca',
    keyFlags: [],
  },
  {
    id: 'etcd-peer',
    name: "the CA of etcd's members",
    certificateFlags: [{ component: 'etcd', flag: 'peer-trusted-ca-file' }],
    baseName: 'etcd/ca',
    keyFlags: [],
  },
  {
    id: 'front-proxy',
    name: 'the front proxy CA',
    certificateFlags: [{ component: 'kube-apiserver', flag: 'requestheader-client-ca-file' }],
    baseName: 'front-proxy-ca',
    keyFlags: [],
  },
];

/** The id of the step that renews a certificate, for example `pki/renew/etcd/server` or `kubelet/renew/client`. */
export function renewalStepId(definition: CertificateDefinition): string {
  if (definition.component === 'kubelet') return `kubelet/renew/${definition.id.slice('kubelet-'.length)}`;
  return definition.home.in === 'kubeconfig' ? `kubeconfig/renew/${definition.id}` : `pki/renew/${definition.id}`;
}

/** The id of the step that issues an authority's certificate anew, for example `pki/reissue/cluster-ca`. */
export function reissueStepId(id: CaId): string {
  return `pki/reissue/${id}-ca`;
}
