import type { HostPath } from '@kube-rescue/host';
import type { ComponentFlags } from '@kube-rescue/node-config';

/** Where a throwaway API server finds its etcd, and what opens it. */
export interface EtcdTarget {
  readonly endpoint: string;
  readonly ca: HostPath | undefined;
  readonly client: { readonly certificate: HostPath; readonly key: HostPath } | undefined;
}

/** Its own files. */
export interface ServerFiles {
  readonly certificate: HostPath;
  readonly key: HostPath;
  readonly tokens: HostPath;
  readonly policy: HostPath;
  readonly egress: HostPath;
  readonly tokenKey: HostPath;
  readonly directory: HostPath;
}

/** How the objects are stored and which API there is: without these, objects are not found, not decoded or not decrypted. */
const STORAGE_FLAGS = [
  ...['etcd-prefix', 'storage-media-type', 'encryption-provider-config', 'experimental-encryption-provider-config'],
  ...['feature-gates', 'runtime-config', 'service-cluster-ip-range', 'allow-privileged'],
  ...['emulated-version', 'min-compatibility-version', 'emulation-forward-compatible'],
  'runtime-config-emulation-forward-compatible',
];
/** What decides how a write is changed or refused. */
const WRITE_FLAGS = [
  ...['enable-admission-plugins', 'admission-control-config-file', 'service-node-port-range'],
  ...['default-not-ready-toleration-seconds', 'default-unreachable-toleration-seconds', 'etcd-servers-overrides'],
];
/** They call out to pods or other machines. */
const CALLING_PLUGINS = ['MutatingAdmissionWebhook', 'ValidatingAdmissionWebhook', 'ImagePolicyWebhook'];
/** Of every API server; the tokens that this one makes are worth nothing elsewhere. */
const ISSUER = 'https://kubernetes.default.svc';
const DEFAULT_SERVICE_NETWORK = '10.96.0.0/12';

/**
 * The arguments of a throwaway API server: its own sockets, certificates and users, the node's etcd prefix, encryption, features and
 * admission. Nothing of the node that is written to or called: no webhooks, no audit, no endpoints of the Service `kubernetes`, no
 * client CA, which it would publish in `extension-apiserver-authentication`. Pure.
 */
export function serverArguments({
  node,
  etcd,
  files,
  port,
  isWritable,
}: {
  /** The flags of the node's API server, with paths of the node. */
  readonly node: ComponentFlags;
  readonly etcd: EtcdTarget;
  readonly files: ServerFiles;
  readonly port: number;
  readonly isWritable: boolean;
}): readonly string[] {
  const carried = [...STORAGE_FLAGS, ...(isWritable ? WRITE_FLAGS : [])].flatMap((name) => {
    const value = node.flags.get(name);
    if (value === undefined) return [];
    if (name !== 'enable-admission-plugins') return [`--${name}=${value}`];
    // A plugin that is both enabled and disabled is refused.
    const enabled = listOf(value).filter((plugin) => !CALLING_PLUGINS.includes(plugin));
    return enabled.length === 0 ? [] : [`--${name}=${enabled.join(',')}`];
  });
  const { ca, client } = etcd;
  return [
    ...[`--etcd-servers=${etcd.endpoint}`, ...(ca === undefined ? [] : [`--etcd-cafile=${ca}`])],
    ...(client === undefined ? [] : [`--etcd-certfile=${client.certificate}`, `--etcd-keyfile=${client.key}`]),
    ...['--bind-address=127.0.0.1', `--secure-port=${port}`, '--endpoint-reconciler-type=none'],
    ...[`--tls-cert-file=${files.certificate}`, `--tls-private-key-file=${files.key}`],
    ...[`--cert-dir=${files.directory}`, `--token-auth-file=${files.tokens}`],
    ...['--authorization-mode=ABAC', `--authorization-policy-file=${files.policy}`],
    ...[`--service-account-issuer=${ISSUER}`, `--service-account-key-file=${files.tokenKey}`],
    ...[`--service-account-signing-key-file=${files.tokenKey}`, `--egress-selector-config-file=${files.egress}`],
    `--disable-admission-plugins=${disabledPlugins(node, isWritable).join(',')}`,
    ...(node.flags.has('service-cluster-ip-range') ? [] : [`--service-cluster-ip-range=${DEFAULT_SERVICE_NETWORK}`]),
    ...carried,
  ];
}

function disabledPlugins({ flags }: ComponentFlags, isWritable: boolean): readonly string[] {
  const own = isWritable ? listOf(flags.get('disable-admission-plugins') ?? '') : [];
  return [...new Set([...own, ...CALLING_PLUGINS])];
}

function listOf(value: string): readonly string[] {
  return value.split(',').filter((each) => each !== '');
}
