import { type HostPath, joinPath } from '@kube-rescue/host';

export const CA_NAMES = ['ca', 'front-proxy-ca', 'etcd/ca'] as const;
export const LEAF_NAMES = [
  'apiserver',
  'apiserver-kubelet-client',
  'front-proxy-client',
  'apiserver-etcd-client',
  'etcd/server',
  'etcd/peer',
  'etcd/healthcheck-client',
  'admin.conf',
  'controller-manager.conf',
  'scheduler.conf',
  'kubelet-client',
] as const;

export type CaName = (typeof CA_NAMES)[number];
/** The leaves by their names in `kubeadm certs`, and the kubelet's client certificate. */
export type LeafName = (typeof LEAF_NAMES)[number];
export type CertificateName = CaName | LeafName;

/** Name and address of the node. */
export interface NodeIdentity {
  readonly nodeName: string;
  /** IPv4 address of the API server and of etcd. */
  readonly address: string;
}

/** The fields of a leaf of kubeadm v1.20. */
export interface LeafProfile {
  readonly issuer: CaName;
  readonly subject: string;
  readonly extendedKeyUsage: string;
  /** In OpenSSL's syntax: `DNS:localhost`. */
  readonly subjectAltNames: readonly string[];
}

export const CA_SUBJECTS: Readonly<Record<CaName, string>> = {
  ca: '/CN=kubernetes',
  'front-proxy-ca': '/CN=front-proxy-ca',
  'etcd/ca': '/CN=etcd-ca',
};

const CLIENT = 'clientAuth';
const SERVER = 'serverAuth';

/** Source: the output of kubeadm v1.20.15. */
export function leafProfiles({ nodeName, address }: NodeIdentity): Readonly<Record<LeafName, LeafProfile>> {
  const client = (issuer: CaName, subject: string): LeafProfile => {
    return { issuer, subject, extendedKeyUsage: CLIENT, subjectAltNames: [] };
  };
  const etcdSans = ['DNS:localhost', `DNS:${nodeName}`, `IP:${address}`, 'IP:127.0.0.1', 'IP:::1'];
  const etcd: LeafProfile = {
    issuer: 'etcd/ca',
    subject: `/CN=${nodeName}`,
    extendedKeyUsage: `${SERVER},${CLIENT}`,
    subjectAltNames: etcdSans,
  };
  return {
    apiserver: {
      issuer: 'ca',
      subject: '/CN=kube-apiserver',
      extendedKeyUsage: SERVER,
      subjectAltNames: [
        'DNS:kubernetes',
        'DNS:kubernetes.default',
        'DNS:kubernetes.default.svc',
        'DNS:kubernetes.default.svc.cluster.local',
        `DNS:${nodeName}`,
        'IP:10.96.0.1',
        `IP:${address}`,
      ],
    },
    'apiserver-kubelet-client': client('ca', '/O=system:masters/CN=kube-apiserver-kubelet-client'),
    'front-proxy-client': client('front-proxy-ca', '/CN=front-proxy-client'),
    'apiserver-etcd-client': client('etcd/ca', '/O=system:masters/CN=kube-apiserver-etcd-client'),
    'etcd/server': etcd,
    'etcd/peer': etcd,
    'etcd/healthcheck-client': client('etcd/ca', '/O=system:masters/CN=kube-etcd-healthcheck-client'),
    'admin.conf': client('ca', '/O=system:masters/CN=kubernetes-admin'),
    'controller-manager.conf': client('ca', '/CN=system:kube-controller-manager'),
    'scheduler.conf': client('ca', '/CN=system:kube-scheduler'),
    'kubelet-client': client('ca', `/O=system:nodes/CN=system:node:${nodeName}`),
  };
}

/** Lines of an OpenSSL extension section for a CA. */
export const CA_EXTENSIONS: readonly string[] = [
  'keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign',
  'basicConstraints=critical,CA:TRUE',
  'subjectKeyIdentifier=hash',
];

/** Lines of an OpenSSL extension section for a leaf. */
export function leafExtensions({ extendedKeyUsage, subjectAltNames }: LeafProfile): readonly string[] {
  return [
    'keyUsage=critical,digitalSignature,keyEncipherment',
    `extendedKeyUsage=${extendedKeyUsage}`,
    'authorityKeyIdentifier=keyid',
    // OpenSSL would add one; kubeadm does not.
    'subjectKeyIdentifier=none',
    ...(subjectAltNames.length === 0 ? [] : [`subjectAltName=${subjectAltNames.join(',')}`]),
  ];
}

export function isCa(name: CertificateName): name is CaName {
  return (CA_NAMES as readonly string[]).includes(name);
}

/** The paths of a certificate and its key below kubeadm's `certificatesDir`. */
export function pairPaths(certificatesDir: HostPath, name: CertificateName): { crt: HostPath; key: HostPath } {
  return { crt: joinPath(certificatesDir, `${name}.crt`), key: joinPath(certificatesDir, `${name}.key`) };
}
