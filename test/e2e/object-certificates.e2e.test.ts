import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import {
  inspectObjectCertificates,
  planTrustSweep,
  readCaExchange,
  reportObjectFinding,
} from '@kube-rescue/cert-rotation/objects';
import {
  changeObject,
  findKind,
  type KindName,
  type KubernetesObject,
  type ObjectStore,
} from '@kube-rescue/cluster-objects';
import { createLocalHost, systemClock } from '@kube-rescue/host';
import { KUBERNETES_RELEASES, provideKubernetesBinaries } from '@kube-rescue/lab';
import { issueCertificate } from '@kube-rescue/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { locateBinaries } from '../../apps/drill/src/wiring.ts';
import { type KubeApi, startKubeApi } from './objects/kube-api.ts';

const RELEASE = KUBERNETES_RELEASES['1.20'];

interface Issued {
  readonly certificate: string;
  readonly key: string;
}

/** An object to create, and the expected findings: each key with the codes of its problems. */
interface Planted {
  readonly kind: KindName;
  readonly object: KubernetesObject;
  readonly found: Readonly<Record<string, readonly string[]>>;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const SIGNATURE = 'jws-kubeconfig-abcdef';
const CLUSTER_INFO = { kind: findKind('ConfigMap'), namespace: 'kube-public', name: 'cluster-info' };
const base64 = (value: string | Uint8Array): string => Buffer.from(value).toString('base64');
const encoded = (data: Readonly<Record<string, string | Uint8Array>>) =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(value)]));

let binaries: string;
let api: KubeApi;
let planted: readonly Planted[];
let ca: Issued;
let reissued: Issued;
let foreign: Issued;

beforeAll(async () => {
  const deps = { host: createLocalHost(), clock: systemClock };
  binaries = (await provideKubernetesBinaries({ ...locateBinaries(process.env), release: RELEASE }, deps)).directory;
  [ca, foreign] = await Promise.all([issueCa({ from: -90, until: -1 }), issueCa()]);
  reissued = await issueCa({ key: ca.key });
  planted = await plantings();
  api = await startKubeApi(binaries);
  for (const { kind, object } of planted) await api.viaApi.create(findKind(kind), object);
});
afterAll(() => api?.dispose());

describe('the certificates of a real cluster', () => {
  it.each(['viaApi', 'viaEtcd'] as const)('are all found and judged correctly (%s)', async (source) => {
    const now = new Date();
    const rows = [];
    for await (const finding of inspectObjectCertificates({ store: api[source], now })) {
      rows.push(reportObjectFinding(finding, now));
    }
    const expected = planted.flatMap(({ object: { kind, metadata }, found }) => {
      const owner = `${kind} ${metadata.namespace === undefined ? '' : `${metadata.namespace}/`}${metadata.name}`;
      return Object.entries(found).map(([key, problems]) => [`${owner} ${storedKey(key, source)}`, problems]);
    });
    const own = 'ConfigMap kube-system/extension-apiserver-authentication';
    const judged = rows.map((row) => [row.path, row.problems.map(({ code }) => code)]);
    expect(Object.fromEntries(judged.filter(([row]) => !String(row).startsWith(own)))).toEqual(
      Object.fromEntries(expected),
    );
    expect(judged.filter(([row]) => String(row).startsWith(own))).toEqual([[`${own} client-ca-file`, []]]);
    expect(JSON.stringify(rows)).not.toContain(ca.key.split('\n')[1]);
  });
});

describe('a sweep of trust while the API server is down', () => {
  let before: ReadonlyMap<string, KubernetesObject>;

  it('changes through etcd every object that trusted the old CA, and nothing else', async () => {
    await signedByController(async () => (await clusterInfo(api.viaApi))[SIGNATURE] !== undefined);
    before = await everything(api.viaApi);
    await api.server.stop();
    const exchange = readCaExchange({ old: ca.certificate, replacement: reissued.certificate });
    const sweep = () => planTrustSweep({ store: api.viaEtcd, now: new Date(), exchange });
    const { edits } = await sweep();
    for (const { read, edited } of edits) await api.viaEtcd.replace(read, edited);
    expect((await sweep()).edits).toEqual([]);

    await api.server.start();
    const after = await everything(api.viaApi);
    const changed = [...after].filter(([key, object]) => contentOf(object) !== contentOf(before.get(key)));
    expect(changed.map(([key]) => key).toSorted()).toEqual(
      [
        'Secret default/robot-token',
        'ConfigMap default/kube-root-ca.crt',
        'ConfigMap kube-public/cluster-info',
        'MutatingWebhookConfiguration m',
        'APIService v1.gone.example.com',
        'CustomResourceDefinition foos.x.example.com',
      ].toSorted(),
    );
    for (const [key, object] of changed) {
      const expected = JSON.stringify(withoutBookkeeping(before.get(key)))
        .replaceAll(base64(bundleWith(ca)), base64(bundleWith(reissued)))
        .replaceAll(base64(ca.certificate), base64(reissued.certificate))
        .replaceAll(JSON.stringify(ca.certificate).slice(1, -1), JSON.stringify(reissued.certificate).slice(1, -1));
      const swept = withoutBookkeeping(object);
      expect(key.includes('cluster-info') ? withoutSignature(swept) : swept).toEqual(
        key.includes('cluster-info') ? withoutSignature(JSON.parse(expected)) : JSON.parse(expected),
      );
    }
  });

  it('signs cluster-info as kube-controller-manager does', async () => {
    const ours = (await clusterInfo(api.viaApi))[SIGNATURE];
    const old = before.get('ConfigMap kube-public/cluster-info')?.data as Record<string, string> | undefined;
    expect(ours).toMatch(/^[\w-]+\.\.[\w-]+$/);
    expect(old?.[SIGNATURE]).toMatch(/\.\./);
    expect(ours).not.toBe(old?.[SIGNATURE]);
    await changeObject(api.viaApi, CLUSTER_INFO, (object) => {
      const { [SIGNATURE]: _removed, ...data } = object.data as Record<string, string>;
      return { ...object, data };
    });
    await signedByController(async () => (await clusterInfo(api.viaApi))[SIGNATURE] !== undefined);
    expect((await clusterInfo(api.viaApi))[SIGNATURE]).toBe(ours);
  });
});

/** In base64 the second certificate is visible only if the length of the first is divisible by three. */
const bundleWith = ({ certificate }: Issued): string => foreign.certificate + certificate;

async function plantings(): Promise<readonly Planted[]> {
  const [leaf, rsa, expired, future] = await Promise.all([
    leafOf(foreign),
    leafOf(foreign, { rsa: true }),
    leafOf(foreign, { rsa: true, from: -90, until: -1 }),
    leafOf(foreign, { from: 1, until: 90 }),
  ]);
  const service = { name: 'web', namespace: 'default' };
  const bundle = base64(bundleWith(ca));
  const kubeconfig = `apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: ${base64(ca.certificate)}\n    server: https://127.0.0.1:6443\n  name: ""\ncontexts: null\ncurrent-context: ""\nkind: Config\npreferences: {}\nusers: null\n`;
  const secret = (name: string, data: Readonly<Record<string, string | Uint8Array>>, fields: object = {}) =>
    objectOf('v1', 'Secret', { name, namespace: 'default' }, { data: encoded(data), ...fields });
  const map = (name: string, fields: object, namespace = 'default') =>
    objectOf('v1', 'ConfigMap', { name, namespace }, fields);
  const token = { 'token-id': 'abcdef', 'token-secret': '0123456789abcdef', 'usage-bootstrap-signing': 'true' };
  const account = { 'kubernetes.io/service-account.name': 'robot', 'kubernetes.io/service-account.uid': 'u' };
  return [
    of(
      secret(
        'tls',
        { 'tls.crt': leaf.certificate + foreign.certificate, 'tls.key': leaf.key },
        { type: 'kubernetes.io/tls' },
      ),
      { 'tls.crt': [], 'tls.crt#1': [] },
    ),
    of(secret('ended', { 'tls.crt': expired.certificate, 'tls.key': expired.key }, { type: 'kubernetes.io/tls' }), {
      'tls.crt': ['PKI_CERTIFICATE_EXPIRED'],
    }),
    of(secret('opaque', { some: rsa.certificate, der: new X509Certificate(leaf.certificate).raw, text: 'x' }), {
      some: [],
      der: [],
    }),
    of(secret('early', { 'a.pem': future.certificate }), { 'a.pem': ['PKI_CERTIFICATE_NOT_YET_VALID'] }),
    of(secret('swapped', { 'a.crt': leaf.certificate, 'a.key': rsa.key }), { 'a.crt': ['PKI_KEY_MISMATCH'] }),
    of(secret('robot-token', { 'ca.crt': ca.certificate, token: 't' }, tokenOf(account)), {
      'ca.crt': ['PKI_CA_EXPIRED'],
    }),
    of(
      objectOf(
        'v1',
        'Secret',
        { name: 'bootstrap-token-abcdef', namespace: 'kube-system' },
        {
          data: encoded(token),
          type: 'bootstrap.kubernetes.io/token',
        },
      ),
    ),
    of(map('kube-root-ca.crt', { data: { 'ca.crt': ca.certificate } }), { 'ca.crt': ['PKI_CA_EXPIRED'] }),
    of(map('bundle', { data: { roots: ca.certificate + foreign.certificate } }), {
      roots: ['PKI_CA_EXPIRED'],
      'roots#1': [],
    }),
    of(map('bytes', { binaryData: { der: base64(new X509Certificate(rsa.certificate).raw) } }), { der: [] }),
    of(map('cluster-info', { data: { kubeconfig } }, 'kube-public'), {
      'kubeconfig:certificate-authority-data': ['PKI_CA_EXPIRED'],
    }),
    of(webhookOf('MutatingWebhookConfiguration', 'm', { caBundle: bundle, service }), {
      'webhooks[0].clientConfig.caBundle': [],
      'webhooks[0].clientConfig.caBundle#1': ['PKI_CA_EXPIRED'],
    }),
    of(webhookOf('ValidatingWebhookConfiguration', 'v', { caBundle: base64(foreign.certificate), service }), {
      'webhooks[0].clientConfig.caBundle': [],
    }),
    of(
      objectOf(
        'apiregistration.k8s.io/v1',
        'APIService',
        { name: 'v1.gone.example.com' },
        {
          spec: {
            ...{ group: 'gone.example.com', version: 'v1', groupPriorityMinimum: 1, versionPriority: 1 },
            ...{ caBundle: base64(ca.certificate), service: { ...service, port: 443 } },
          },
        },
      ),
      { 'spec.caBundle': ['PKI_CA_EXPIRED'] },
    ),
    of(definitionOf({ caBundle: base64(ca.certificate), service }), {
      'spec.conversion.webhook.clientConfig.caBundle': ['PKI_CA_EXPIRED'],
    }),
  ];
}

function of(object: KubernetesObject, found: Planted['found'] = {}): Planted {
  return { kind: object.kind as KindName, object, found };
}

function objectOf(
  apiVersion: string,
  kind: string,
  metadata: KubernetesObject['metadata'],
  fields: object,
): KubernetesObject {
  return { apiVersion, kind, metadata, ...fields };
}

function tokenOf(annotations: Readonly<Record<string, string>>) {
  const metadata = { name: 'robot-token', namespace: 'default', annotations };
  return { type: 'kubernetes.io/service-account-token', metadata };
}

function webhookOf(kind: string, name: string, clientConfig: object): KubernetesObject {
  const rules = [{ operations: ['CREATE'], apiGroups: ['none.example.com'], apiVersions: ['v1'], resources: ['none'] }];
  const webhook = { name: 'a.b.c', sideEffects: 'None', admissionReviewVersions: ['v1'], rules, clientConfig };
  return objectOf('admissionregistration.k8s.io/v1', kind, { name }, { webhooks: [webhook] });
}

function definitionOf(clientConfig: object): KubernetesObject {
  const schema = { openAPIV3Schema: { type: 'object' } };
  const spec = {
    ...{ group: 'x.example.com', scope: 'Namespaced', names: { plural: 'foos', kind: 'Foo' } },
    versions: [{ name: 'v1', served: true, storage: true, schema }],
    conversion: { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'], clientConfig } },
  };
  return objectOf('apiextensions.k8s.io/v1', 'CustomResourceDefinition', { name: 'foos.x.example.com' }, { spec });
}

/** API servers of 1.20 keep definitions in v1beta1. */
function storedKey(key: string, source: 'viaApi' | 'viaEtcd'): string {
  return source === 'viaApi' ? key : key.replace('webhook.clientConfig', 'webhookClientConfig');
}

interface Dates {
  readonly from?: number;
  readonly until?: number;
}

function datesOf({ from = -30, until = 300 }: Dates) {
  const now = Date.now();
  return { notBefore: new Date(now + from * DAY_MS), notAfter: new Date(now + until * DAY_MS) };
}

async function issueCa(options: Dates & { readonly key?: string } = {}): Promise<Issued> {
  const { key = newKey(false) } = options;
  const extensions = [
    'basicConstraints=critical,CA:TRUE',
    'keyUsage=critical,keyCertSign',
    'subjectKeyIdentifier=hash',
  ];
  return {
    key,
    certificate: await issueCertificate({ subject: '/CN=kubernetes', extensions, key, ...datesOf(options) }),
  };
}

async function leafOf(issuer: Issued, options: Dates & { readonly rsa?: boolean } = {}): Promise<Issued> {
  const key = newKey(options.rsa === true);
  const extensions = ['basicConstraints=CA:FALSE', 'subjectAltName=DNS:web.default.svc'];
  return {
    key,
    certificate: await issueCertificate({ subject: '/CN=web', extensions, key, issuer, ...datesOf(options) }),
  };
}

function newKey(rsa: boolean): string {
  const { privateKey } = rsa
    ? generateKeyPairSync('rsa', { modulusLength: 2048 })
    : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

async function clusterInfo(store: ObjectStore): Promise<Readonly<Record<string, string>>> {
  return ((await store.get(CLUSTER_INFO))?.object.data ?? {}) as Record<string, string>;
}

/** Runs kube-controller-manager's signer of `cluster-info` until `isDone`. */
async function signedByController(isDone: () => Promise<boolean>): Promise<void> {
  const words = [
    ...['--controllers=bootstrapsigner', '--leader-elect=false', '--port=0', '--secure-port=0'],
    `--kubeconfig=${api.server.files.kubeconfig}`,
  ];
  const program = path.join(binaries, 'kube-controller-manager');
  // The kernel kills it when this process ends.
  const child: ChildProcess = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...words], { stdio: 'ignore' });
  const gone = once(child, 'exit');
  try {
    const deadline = Date.now() + 60_000;
    while (!(await isDone())) {
      if (Date.now() > deadline || child.exitCode !== null) throw new Error('kube-controller-manager does not sign');
      await systemClock.sleep(100);
    }
  } finally {
    child.kill('SIGKILL');
    await gone;
  }
}

async function everything(store: ObjectStore): Promise<ReadonlyMap<string, KubernetesObject>> {
  const found = new Map<string, KubernetesObject>();
  for (const { kind, object } of planted) {
    const { name, namespace } = object.metadata;
    const read = await store.get({ kind: findKind(kind), name, namespace });
    if (read !== undefined) found.set(`${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`, read.object);
  }
  return found;
}

/** The object without the fields that the API server maintains. */
function withoutBookkeeping(object: KubernetesObject | undefined): Readonly<Record<string, unknown>> {
  const { status: _status, metadata, ...rest } = object ?? objectOf('', '', { name: '' }, {});
  const { resourceVersion: _revision, generation: _generation, managedFields: _fields, ...kept } = metadata;
  return { ...rest, metadata: kept };
}

/** Controllers may write the status at any time. */
function contentOf(object: KubernetesObject | undefined): string {
  return JSON.stringify(withoutBookkeeping(object));
}

function withoutSignature(object: unknown): unknown {
  const { data, ...rest } = object as { readonly data: Readonly<Record<string, string>> };
  const { [SIGNATURE]: _signature, ...others } = data;
  return { ...rest, data: others };
}
