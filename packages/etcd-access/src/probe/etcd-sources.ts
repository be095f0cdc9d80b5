import { baseName, type Host, type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import { parseEndpoint } from '../transport/endpoint.ts';

/** Sources of endpoints and credentials, in addition to the standard directories. */
export interface EtcdSources {
  /** Flags of etcd and kube-apiserver, from static pod manifests or units; others are ignored. */
  readonly components?: readonly ComponentSource[] | undefined;
  /** A `generated/` directory of tls_rotate. */
  readonly rotatedSet?: HostPath | undefined;
  /** `ETCDCTL_*` of the operator's environment. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** Further client URLs, tried first. */
  readonly endpoints?: readonly string[] | undefined;
  /** Replaces everything found of the same sort, existing or not. */
  readonly given?:
    | {
        readonly endpoints?: readonly string[] | undefined;
        readonly ca?: HostPath | undefined;
        readonly client?: PairPaths | undefined;
      }
    | undefined;
}

export interface ComponentSource {
  readonly component: string;
  /** Name without dashes to value; paths on the host. */
  readonly flags: ReadonlyMap<string, string>;
}

/** A value with its source. */
export interface Found<T> {
  readonly value: T;
  /** `flag --etcd-cafile of kube-apiserver`, `kubeadm`, … */
  readonly source: string;
}

export interface PairPaths {
  readonly certificate: HostPath;
  readonly key: HostPath;
}

/** Existing endpoints and credentials, in the order of the attempts. */
export interface EtcdMaterial {
  readonly endpoints: readonly Found<string>[];
  readonly cas: readonly Found<HostPath>[];
  readonly clients: readonly Found<PairPaths>[];
  /** Server certificates, for their names. */
  readonly serverCertificates: readonly Found<HostPath>[];
}

type Files = Pick<Host, 'readFile' | 'list' | 'stat'>;
type Collected = { -readonly [K in keyof EtcdMaterial]: Found<EtcdMaterial[K][number]['value']>[] };

const KUBEADM = hostPath('/etc/kubernetes/pki');
const TECTONIC = hostPath('/etc/ssl/etcd');
const CHECKPOINTS = hostPath('/etc/kubernetes/checkpoint-secrets/kube-system');
/** The etcd unit of Container Linux; Tectonic put its flags in a drop-in. */
const UNIT_DROP_INS = hostPath('/etc/systemd/system/etcd-member.service.d');
const DEFAULT_ENDPOINT = 'https://127.0.0.1:2379';
/** Listen addresses that cannot be dialled. */
const ANY_ADDRESS: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** Collects endpoints and credentials for etcd on a control-plane node. Reads only; the content of files is checked later. */
export async function findEtcdMaterial(
  sources: EtcdSources,
  { host }: { readonly host: Files },
): Promise<EtcdMaterial> {
  const found: Collected = { endpoints: [], cas: [], clients: [], serverCertificates: [] };
  for (const value of sources.endpoints ?? []) found.endpoints.push({ value, source: 'given' });
  addEnvironment(found, sources.environment ?? {});
  for (const { component, flags } of sources.components ?? []) addComponent(found, component, flags);
  for (const flags of await readDropIns(host)) addComponent(found, 'etcd', flags);
  addKubeadm(found);
  addDirectory(found, TECTONIC, 'Tectonic');
  await addCheckpoints(found, host);
  if (sources.rotatedSet !== undefined) {
    for (const directory of ['tls/etcd', 'etcd/tls'])
      addDirectory(found, joinPath(sources.rotatedSet, directory), 'tls_rotate');
    found.cas.push({ value: joinPath(sources.rotatedSet, 'tls/etcd/old_new_ca.crt'), source: 'tls_rotate' });
  }
  found.endpoints.push({ value: DEFAULT_ENDPOINT, source: 'default' });
  const isThere = async (path: HostPath): Promise<boolean> => (await host.stat(path)) !== undefined;
  const { endpoints, ca, client } = sources.given ?? {};
  return {
    endpoints: unique((endpoints?.map(asGiven) ?? found.endpoints).flatMap(dialable), (url) => url),
    cas:
      ca === undefined
        ? await existing(
            unique(found.cas, (path) => path),
            isThere,
          )
        : [asGiven(ca)],
    clients:
      client === undefined
        ? await existing(
            unique(found.clients, ({ certificate }) => certificate),
            async ({ certificate, key }) => (await isThere(certificate)) || (await isThere(key)),
          )
        : [asGiven(client)],
    serverCertificates: await existing(
      unique(found.serverCertificates, (path) => path),
      isThere,
    ),
  };
}

function addEnvironment(found: Collected, environment: Readonly<Record<string, string | undefined>>): void {
  const source = 'environment';
  const endpoints = environment['ETCDCTL_ENDPOINTS'] ?? environment['ETCDCTL_ENDPOINT'];
  for (const value of listOf(endpoints)) found.endpoints.push({ value, source });
  const ca = pathOf(environment['ETCDCTL_CACERT'] ?? environment['ETCDCTL_CA_FILE']);
  if (ca !== undefined) found.cas.push({ value: ca, source });
  const certificate = pathOf(environment['ETCDCTL_CERT'] ?? environment['ETCDCTL_CERT_FILE']);
  const key = pathOf(environment['ETCDCTL_KEY'] ?? environment['ETCDCTL_KEY_FILE']);
  if (certificate !== undefined && key !== undefined) found.clients.push({ value: { certificate, key }, source });
}

/** Flags with endpoints and credentials of etcd, by component. */
const FLAGS: Readonly<
  Record<string, { endpoints: string[]; cas: string[]; pairs: [certificate: string, key: string][]; server: string[] }>
> = {
  'kube-apiserver': {
    endpoints: ['etcd-servers'],
    cas: ['etcd-cafile'],
    pairs: [['etcd-certfile', 'etcd-keyfile']],
    server: [],
  },
  etcd: {
    endpoints: ['listen-client-urls', 'advertise-client-urls'],
    cas: ['trusted-ca-file', 'peer-trusted-ca-file'],
    pairs: [
      ['cert-file', 'key-file'],
      ['peer-cert-file', 'peer-key-file'],
    ],
    server: ['cert-file'],
  },
};

function addComponent(found: Collected, component: string, flags: ReadonlyMap<string, string>): void {
  const names = FLAGS[component];
  if (names === undefined) return;
  const source = (flag: string): string => `flag --${flag} of ${component}`;
  for (const flag of names.endpoints) {
    for (const value of listOf(flags.get(flag))) found.endpoints.push({ value, source: source(flag) });
  }
  for (const flag of names.cas) {
    const value = pathOf(flags.get(flag));
    if (value !== undefined) found.cas.push({ value, source: source(flag) });
  }
  for (const [certificateFlag, keyFlag] of names.pairs) {
    const certificate = pathOf(flags.get(certificateFlag));
    const key = pathOf(flags.get(keyFlag));
    if (certificate === undefined || key === undefined) continue;
    found.clients.push({ value: { certificate, key }, source: source(certificateFlag) });
  }
  for (const flag of names.server) {
    const value = pathOf(flags.get(flag));
    if (value !== undefined) found.serverCertificates.push({ value, source: source(flag) });
  }
}

function addKubeadm(found: Collected): void {
  const source = 'kubeadm';
  found.cas.push({ value: joinPath(KUBEADM, 'etcd/ca.crt'), source });
  for (const name of ['apiserver-etcd-client', 'etcd/healthcheck-client', 'etcd/server', 'etcd/peer']) {
    found.clients.push({ value: pairIn(KUBEADM, name), source });
  }
  found.serverCertificates.push({ value: joinPath(KUBEADM, 'etcd/server.crt'), source });
}

/** A directory with `ca`, `client`, `server` and `peer`, as named by Tectonic and tls_rotate. */
function addDirectory(found: Collected, directory: HostPath, source: string): void {
  found.cas.push({ value: joinPath(directory, 'ca.crt'), source });
  for (const name of ['client', 'peer', 'server']) found.clients.push({ value: pairIn(directory, name), source });
  found.serverCertificates.push({ value: joinPath(directory, 'server.crt'), source });
}

/** Secrets of a self-hosted API server, stored by the pod checkpointer. */
async function addCheckpoints(found: Collected, host: Files): Promise<void> {
  for (const pod of (await host.list(CHECKPOINTS)) ?? []) {
    const directory = joinPath(CHECKPOINTS, pod, 'kube-apiserver');
    found.cas.push({ value: joinPath(directory, 'etcd-client-ca.crt'), source: 'checkpointed Secret' });
    found.clients.push({ value: pairIn(directory, 'etcd-client'), source: 'checkpointed Secret' });
  }
}

async function readDropIns(host: Files): Promise<readonly ReadonlyMap<string, string>[]> {
  const names = ((await host.list(UNIT_DROP_INS)) ?? []).filter((name) => name.endsWith('.conf'));
  return Promise.all(
    names.map(async (name) => {
      const bytes = await host.readFile(joinPath(UNIT_DROP_INS, baseName(hostPath(`/${name}`))));
      return flagsIn(new TextDecoder().decode(bytes));
    }),
  );
}

/** `--name=value`, and `ETCD_NAME=value`, which etcd treats the same. */
function flagsIn(unit: string): ReadonlyMap<string, string> {
  const text = unit.replace(/^\s*[#;].*$/gm, '');
  const found = [...text.matchAll(/(?:--|\bETCD_)([A-Za-z][\w-]*)=["']?([^\s"'\\]+)/g)];
  return new Map(found.map(([, name = '', value = '']) => [name.toLowerCase().replaceAll('_', '-'), value]));
}

function dialable({ value, source }: Found<string>): readonly Found<string>[] {
  try {
    const { url, host } = parseEndpoint(value);
    const real = ANY_ADDRESS[host];
    if (real === undefined) return [{ value: url, source }];
    const { protocol, port } = new URL(url);
    return [{ value: `${protocol}//${real.includes(':') ? `[${real}]` : real}:${port}`, source }];
  } catch {
    // Not a URL to dial, for example a Unix socket: reported by the attempt.
    return [{ value, source }];
  }
}

function pairIn(directory: HostPath, name: string): PairPaths {
  return { certificate: joinPath(directory, `${name}.crt`), key: joinPath(directory, `${name}.key`) };
}

function listOf(value: string | undefined): readonly string[] {
  return (value ?? '').split(',').flatMap((each) => (each.trim() === '' ? [] : [each.trim()]));
}

function pathOf(value: string | undefined): HostPath | undefined {
  return value?.startsWith('/') === true ? hostPath(value) : undefined;
}

function asGiven<T>(value: T): Found<T> {
  return { value, source: 'given' };
}

function unique<T>(found: readonly Found<T>[], keyOf: (value: T) => string): readonly Found<T>[] {
  return [...new Map(found.toReversed().map((each) => [keyOf(each.value), each])).values()].toReversed();
}

async function existing<T>(
  found: readonly Found<T>[],
  isThere: (value: T) => Promise<boolean>,
): Promise<readonly Found<T>[]> {
  const there = await Promise.all(found.map(({ value }) => isThere(value)));
  return found.filter((_, index) => there[index]);
}
