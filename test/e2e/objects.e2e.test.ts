import { randomBytes } from 'node:crypto';
import {
  changeObject,
  type KubernetesObject,
  type ObjectStore,
  RESOURCE_KINDS,
  type StoredObject,
} from '@kube-rescue/cluster-objects';
import { DEFAULT_ETCD_PREFIX, objectKey } from '@kube-rescue/etcd-access';
import { createLocalHost, systemClock } from '@kube-rescue/host';
import { KUBERNETES_RELEASES, provideKubernetesBinaries } from '@kube-rescue/lab';
import { expectCode, issueCertificate, objectStoreContract } from '@kube-rescue/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { locateBinaries } from '../../apps/drill/src/wiring.ts';
import { corpus, FOO_DEFINITION, type Specimen } from './objects/corpus.ts';
import { type KubeApi, startKubeApi, watch } from './objects/kube-api.ts';
import { newCsr, newKey } from './objects/signing-request.ts';

const RELEASE = KUBERNETES_RELEASES['1.20'];

const { ConfigMap, CustomResourceDefinition, Secret } = RESOURCE_KINDS;

let binaries: string;
let specimens: readonly Specimen[];

beforeAll(async () => {
  const deps = { host: createLocalHost(), clock: systemClock };
  binaries = (await provideKubernetesBinaries({ ...locateBinaries(process.env), release: RELEASE }, deps)).directory;
  const key = newKey();
  const validity = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 86_400_000) };
  const ca = await issueCertificate({ subject: '/CN=ca', extensions: ['basicConstraints=CA:TRUE'], key, ...validity });
  specimens = corpus({ ca, csr: await newCsr(key) });
});

describe('one store, two sources', () => {
  let api: KubeApi;
  beforeAll(async () => {
    api = await startKubeApi(binaries);
  });
  afterAll(() => api?.dispose());

  const under = (pick: (kube: KubeApi) => ObjectStore) => async () => {
    const namespace = `contract-${randomBytes(4).toString('hex')}`;
    await api.viaApi.create(RESOURCE_KINDS.Namespace, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace },
    });
    return { store: pick(api), namespace, dispose: async () => undefined };
  };
  objectStoreContract(
    'the API server',
    under(({ viaApi }) => viaApi),
  );
  objectStoreContract(
    'etcd',
    under(({ viaEtcd }) => viaEtcd),
  );

  it('loses no increment of eight concurrent writers on fifty Secrets', async () => {
    const references = Array.from({ length: 50 }, (_, index) => ({
      kind: Secret,
      namespace: 'default',
      name: `count-${index}`,
    }));
    for (const { name, namespace } of references) {
      const metadata = { name, namespace };
      await api.viaEtcd.create(Secret, { apiVersion: 'v1', kind: 'Secret', metadata, data: { count: base64('0') } });
    }
    const stores = [api.viaApi, api.viaEtcd].flatMap((store) => [store, store, store, store]);
    const rounds = 4;
    await Promise.all(
      stores.map(async (store) => {
        for (let round = 0; round < rounds; round += 1) {
          for (const reference of references) await changeObject(store, reference, incremented);
        }
      }),
    );
    for (const store of [api.viaApi, api.viaEtcd]) {
      const counts = await Promise.all(references.map(async (reference) => countOf(await store.get(reference))));
      expect(counts).toEqual(references.map(() => stores.length * rounds));
    }
  });

  it('reports an API server that is down', async () => {
    await api.server.stop();
    const reference = { kind: Secret, namespace: 'default', name: 'count-0' };
    await expectCode(api.viaApi.get(reference), 'OBJECT_STORE_UNREACHABLE');
    expect(countOf(await api.viaEtcd.get(reference))).toBe(32);
    await api.server.start();
  });
});

describe.each([
  ['unencrypted', undefined, 'k8s\0'],
  ['by the provider identity', { identity: {} }, 'k8s\0'],
  ['by AES-CBC', { aescbc: { keys: [newSecret('new'), newSecret('old')] } }, 'k8s:enc:aescbc:v1:new:'],
  ['by AES-GCM', { aesgcm: { keys: [newSecret('k', 24)] } }, 'k8s:enc:aesgcm:v1:k:'],
  ['by secretbox', { secretbox: { keys: [newSecret('box')] } }, 'k8s:enc:secretbox:v1:box:', 'kubernetes.io/a/'],
])('objects kept %s', (_how, provider, prefix, etcdPrefix = undefined as string | undefined) => {
  let api: KubeApi;
  beforeAll(async () => {
    api = await startKubeApi(binaries, {
      encryption: provider && encryptionOf(provider),
      prefix: etcdPrefix,
    });
    await api.viaApi.create(CustomResourceDefinition, FOO_DEFINITION);
    await eventually(() => assertEstablished(api));
    // A resource is served a moment after it is established.
    for (const { kind, object } of specimens) await eventually(() => api.viaApi.create(kind, object));
  });
  afterAll(() => api?.dispose());

  const read = async ({ kind, object }: Specimen, store: ObjectStore): Promise<StoredObject> => {
    const found = await store.get({ kind, name: object.metadata.name, namespace: object.metadata.namespace });
    if (found === undefined) throw new Error(`${kind.kind} is missing`);
    return found;
  };
  /** Changes every specimen through etcd, and returns the objects that the API should show. */
  const changeAll = async (edit: (specimen: Specimen) => Specimen['edit']): Promise<readonly KubernetesObject[]> => {
    const expected: KubernetesObject[] = [];
    for (const specimen of specimens) {
      const before = await read(specimen, api.viaEtcd);
      const after = await api.viaEtcd.replace(before, edit(specimen)(before.object));
      expected.push(after.object);
    }
    return expected;
  };
  const storedPrefix = async (): Promise<string> => {
    const reference = { kind: Secret, namespace: 'default', name: 'token' };
    const key = objectKey(etcdPrefix ?? DEFAULT_ETCD_PREFIX, reference);
    const stored = await api.client.get(Buffer.from(key));
    return Buffer.from(stored?.value ?? []).toString('latin1', 0, prefix.length);
  };
  const expectInApi = async (expected: readonly KubernetesObject[]): Promise<void> => {
    for (const [index, specimen] of specimens.entries()) {
      expect((await read(specimen, api.viaApi)).object).toEqual(expected[index]);
    }
  };

  it('are read from etcd as the API shows them', async () => {
    for (const specimen of specimens) {
      const viaApi = await read(specimen, api.viaApi);
      const viaEtcd = await read(specimen, api.viaEtcd);
      expect(viaEtcd.object).toEqual(viaApi.object);
      expect([viaEtcd.revision, viaEtcd.partial]).toEqual([viaApi.revision, false]);
    }
    expect(await storedPrefix()).toBe(prefix);
  });

  it('are listed from etcd as the API lists them', async () => {
    for (const kind of [...Object.values(RESOURCE_KINDS).filter((each) => each !== CustomResourceDefinition)]) {
      const [viaApi, viaEtcd] = await Promise.all([api.viaApi, api.viaEtcd].map((store) => listed(store, kind)));
      expect(viaEtcd).toEqual(viaApi);
    }
  });

  it('show the change and nothing else after a write under a running API server, whose watchers receive it', async () => {
    const logged = (await api.server.log()).length;
    const before = await Promise.all(specimens.map((specimen) => read(specimen, api.viaApi)));
    const watcher = await watch(
      api.server,
      '/api/v1/namespaces/default/secrets?watch=1&fieldSelector=metadata.name%3Dtoken',
    );
    expect((await watcher.next()).type).toBe('ADDED');
    await changeAll(({ edit }) => edit);
    const event = await watcher.next();
    watcher.close();
    const after = await Promise.all(specimens.map((specimen) => read(specimen, api.viaApi)));
    for (const [index, { edit, counted = unchanged }] of specimens.entries()) {
      const { object } = before[index]!;
      const { metadata, ...intended } = counted(edit(object));
      const { resourceVersion } = after[index]!.object.metadata;
      expect(after[index]!.object).toEqual({ ...intended, metadata: { ...metadata, resourceVersion } });
      expect(resourceVersion).not.toBe(object.metadata.resourceVersion);
    }
    expect(event).toEqual({ type: 'MODIFIED', object: after[0]!.object });
    expect(await storedPrefix()).toBe(prefix);
    expect(complaints((await api.server.log()).slice(logged))).toEqual([]);
  });

  it('show the change after a write with the API server down', async () => {
    await api.server.stop();
    const logged = (await api.server.log()).length;
    const expected = await changeAll(() => withAnnotation);
    await api.server.start();
    await expectInApi(expected);
    expect(complaints((await api.server.log()).slice(logged))).toEqual([]);
  });

  it('can be changed through the API after a write to etcd', async () => {
    const reference = { kind: ConfigMap, namespace: 'default', name: 'config' };
    await changeObject(api.viaEtcd, reference, (object) => ({ ...object, data: { a: 'etcd' } }));
    const edited = await changeObject(api.viaApi, reference, (object) => ({ ...object, data: { a: 'api' } }));
    expect((await api.viaEtcd.get(reference))?.object).toEqual(edited.object);
  });

  it('are created in etcd, with the API server down, as the API server would create them', async () => {
    await api.server.stop();
    const metadata = { name: 'made-in-etcd', namespace: 'default' };
    const made = await api.viaEtcd.create(Secret, { apiVersion: 'v1', kind: 'Secret', metadata, data: { a: 'AAEC' } });
    await api.server.start();
    expect((await api.viaApi.get({ kind: Secret, ...metadata }))?.object).toEqual(made.object);
  });
});

function newSecret(name: string, bytes = 32): { readonly name: string; readonly secret: string } {
  return { name, secret: randomBytes(bytes).toString('base64') };
}

function encryptionOf(provider: object): string {
  return JSON.stringify({
    kind: 'EncryptionConfiguration',
    apiVersion: 'apiserver.config.k8s.io/v1',
    resources: [
      {
        resources: ['secrets', 'configmaps', 'deployments.apps', 'foos.x.example.com'],
        providers: [provider, { identity: {} }],
      },
    ],
  });
}

async function assertEstablished({ viaApi }: KubeApi): Promise<void> {
  const found = await viaApi.get({ kind: CustomResourceDefinition, name: FOO_DEFINITION.metadata.name });
  const { conditions = [] } = (found?.object.status ?? {}) as {
    conditions?: readonly { type: string; status: string }[];
  };
  const isEstablished = conditions.some(({ type, status }) => type === 'Established' && status === 'True');
  if (!isEstablished) throw new Error('the definition is not established');
}

/** Retries until success; fails with the last error after half a minute. */
async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (attempts === 300) throw error;
      await systemClock.sleep(100);
    }
  }
}

async function listed(store: ObjectStore, kind: Specimen['kind']): Promise<readonly KubernetesObject[]> {
  const found: KubernetesObject[] = [];
  for await (const { object } of store.list(kind)) found.push(object);
  return found.toSorted((a, b) => keyOf(a).localeCompare(keyOf(b)));
}

function keyOf({ metadata }: KubernetesObject): string {
  return `${metadata.namespace}/${metadata.name}`;
}

function unchanged(object: KubernetesObject): KubernetesObject {
  return object;
}

function withAnnotation(object: KubernetesObject): KubernetesObject {
  const annotations = { ...object.metadata.annotations, 'example.com/rescued': 'yes' };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

function incremented(object: KubernetesObject): KubernetesObject {
  const { count } = object.data as { readonly count: string };
  return { ...object, data: { count: base64(String(Number(Buffer.from(count, 'base64').toString()) + 1)) } };
}

function countOf(read: StoredObject | undefined): number {
  const { count = '' } = (read?.object.data ?? {}) as { readonly count?: string };
  return Number(Buffer.from(count, 'base64').toString());
}

/** The error lines of an API server's log. */
function complaints(log: string): readonly string[] {
  return log.split('\n').filter((line) => /^[EF]\d{4} /.test(line));
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
