import { baseName, type Host, type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import { parseEndpoint } from '../transport/endpoint.ts';

/** Where candidates for the way in may come from, beside the places that are always looked at. */
export interface EtcdSources {
  /** Flags of etcd and kube-apiserver, as static-manifests or a unit gives them; others are ignored. */
  readonly components?: readonly ComponentSource[] | undefined;
  /** A `generated/` folder of tls_rotate. */
  readonly rotatedSet?: HostPath | undefined;
  /** `ETCDCTL_*` of the operator's environment. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** Further client URLs, tried first. */
  readonly endpoints?: readonly string[] | undefined;
  /** What takes the place of everything that would be found of its sort, there or not. */
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
  /** Name without dashes to value; paths as the host knows them. */
  readonly flags: ReadonlyMap<string, string>;
}

/** A thing found, and where. */
export interface Found<T> {
  readonly value: T;
  /** `flag --etcd-cafile of kube-apiserver`, `kubeadm`, … */
  readonly source: string;
}

export interface PairPaths {
  readonly certificate: HostPath;
  readonly key: HostPath;
}

/** What may be combined to a way in; in the order in which it is to be tried, without what is not there. */
export interface EtcdMaterial {
  readonly endpoints: readonly Found<string>[];
  readonly cas: readonly Found<HostPath>[];
  readonly clients: readonly Found<PairPaths>[];
  /** Certificates of servers, for the names that are in them. */
  readonly serverCertificates: readonly Found<HostPath>[];
}

type Files = Pick<Host, 'readFile' | 'list' | 'stat'>;
type Collected = { -readonly [K in keyof EtcdMaterial]: Found<EtcdMaterial[K][number]['value']>[] };

const KUBEADM = hostPath('/etc/kubernetes/pki');
const TECTONIC = hostPath('/etc/ssl/etcd');
const CHECKPOINTS = hostPath('/etc/kubernetes/checkpoint-secrets/kube-system');
/** Container Linux runs etcd so; Tectonic put its flags in a drop-in. */
const UNIT_DROP_INS = hostPath('/etc/systemd/system/etcd-member.service.d');
const DEFAULT_ENDPOINT = 'https://127.0.0.1:2379';
/** Addresses to listen on that nobody can dial. */
const ANY_ADDRESS: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** Collects whatever on a control-plane node might open etcd. Reads only; what is in the files is judged later. */
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
  addFolder(found, TECTONIC, 'Tectonic');
  await addCheckpoints(found, host);
  if (sources.rotatedSet !== undefined) {
    for (const folder of ['tls/etcd', 'etcd/tls']) addFolder(found, joinPath(sources.rotatedSet, folder), 'tls_rotate');
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

/** Flags that say where etcd is and what opens it, by component. */
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

/** A folder with `ca`, `client`, `server` and `peer`, as Tectonic and tls_rotate name them. */
function addFolder(found: Collected, folder: HostPath, source: string): void {
  found.cas.push({ value: joinPath(folder, 'ca.crt'), source });
  for (const name of ['client', 'peer', 'server']) found.clients.push({ value: pairIn(folder, name), source });
  found.serverCertificates.push({ value: joinPath(folder, 'server.crt'), source });
}

/** What the pod checkpointer keeps of a self-hosted API server's Secret. */
async function addCheckpoints(found: Collected, host: Files): Promise<void> {
  for (const pod of (await host.list(CHECKPOINTS)) ?? []) {
    const folder = joinPath(CHECKPOINTS, pod, 'kube-apiserver');
    found.cas.push({ value: joinPath(folder, 'etcd-client-ca.crt'), source: 'checkpointed Secret' });
    found.clients.push({ value: pairIn(folder, 'etcd-client'), source: 'checkpointed Secret' });
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

/** `--name=value`, and `ETCD_NAME=value`, which means the same to etcd. */
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
    // Not a URL that could be dialled, for example a socket of the file system: judged when it is tried.
    return [{ value, source }];
  }
}

function pairIn(folder: HostPath, name: string): PairPaths {
  return { certificate: joinPath(folder, `${name}.crt`), key: joinPath(folder, `${name}.key`) };
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
