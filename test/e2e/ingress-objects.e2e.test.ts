import { type KubernetesObject, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { createLocalHost, systemClock } from '@kube-rescue/host';
import { findWantedNames, openClusterReading } from '@kube-rescue/ingress-dns';
import { KUBERNETES_RELEASES, provideKubernetesBinaries } from '@kube-rescue/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { locateBinaries } from '../../apps/drill/src/wiring.ts';
import { type KubeApi, startKubeApi } from './objects/kube-api.ts';

const RELEASE = KUBERNETES_RELEASES['1.20'];

const REFERENCE = { kind: RESOURCE_KINDS.Ingress, namespace: 'default', name: 'web' };
const INGRESS: KubernetesObject = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: { namespace: 'default', name: 'web' },
  spec: {
    rules: [
      {
        host: 'shop.example.test',
        http: {
          paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } }],
        },
      },
    ],
    tls: [{ hosts: ['shop.example.test'], secretName: 'web-tls' }],
  },
};

let api: KubeApi;

beforeAll(async () => {
  const deps = { host: createLocalHost(), clock: systemClock };
  const { directory } = await provideKubernetesBinaries({ ...locateBinaries(process.env), release: RELEASE }, deps);
  api = await startKubeApi(directory);
  const created = await api.viaApi.create(RESOURCE_KINDS.Ingress, INGRESS);
  const status = { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } };
  await api.viaApi.replace(created, { ...created.object, status });
});

afterAll(() => api?.dispose());

describe('an Ingress in etcd', () => {
  it('has the same names and addresses as in the API', async () => {
    const [inEtcd, inApi] = await Promise.all(
      [api.viaEtcd, api.viaApi].map((store) => findWantedNames(openClusterReading(store))),
    );
    expect(inEtcd).toEqual([{ name: 'shop.example.test', targets: ['192.0.2.1'], origin: 'Ingress default/web' }]);
    expect(inEtcd).toEqual(inApi);
  });

  it('keeps its backends, which are not shown, when another field is changed', async () => {
    const read = await api.viaEtcd.get(REFERENCE);
    if (read === undefined) throw new Error('the Ingress is missing');
    expect(read.partial).toBe(true);
    const { object } = read;
    await api.viaEtcd.replace(read, { ...object, metadata: { ...object.metadata, labels: { changed: 'yes' } } });
    const found = await api.viaApi.get(REFERENCE);
    expect(found?.object.metadata.labels).toEqual({ changed: 'yes' });
    expect(found?.object['spec']).toEqual(INGRESS['spec']);
  });
});
