import type { KubernetesObject } from '@kube-rescue/cluster-objects';
import { describe, expect, it } from 'vitest';
import { createMemoryObjects } from '../memory-objects.fixture.ts';
import { openClusterReading } from './cluster-reading.ts';
import { findWantedNames } from './wanted-names.ts';

const metadata = { namespace: 'shop', name: 'web' };
const status = { loadBalancer: { ingress: [{ ip: '192.0.2.1' }, { hostname: 'LB.example.test' }] } };
const INGRESS: KubernetesObject = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata,
  spec: { rules: [{ host: 'Shop.example.test' }, { host: 'localhost' }, {}] },
  status,
};
const annotations = {
  'external-dns.alpha.kubernetes.io/hostname': 'a.example.test, b.example.test.',
  'external-dns.alpha.kubernetes.io/target': '192.0.2.7',
};
const SERVICE: KubernetesObject = { apiVersion: 'v1', kind: 'Service', metadata: { ...metadata, annotations }, status };
const ROUTE: KubernetesObject = {
  apiVersion: 'traefik.containo.us/v1alpha1',
  kind: 'IngressRoute',
  metadata,
  spec: {
    routes: [{ match: 'Host(`shop.example.test`, `c.example.test`) && !Host(`no.example.test`) || HostRegexp(`x`)' }],
  },
};

describe('the wanted names of a cluster', () => {
  it('come from Ingresses, Services and IngressRoutes, each once, with their targets', async () => {
    const cluster = openClusterReading(createMemoryObjects([INGRESS, SERVICE, ROUTE]));
    expect(await findWantedNames(cluster)).toEqual([
      { name: 'shop.example.test', targets: ['192.0.2.1', 'lb.example.test'], origin: 'Ingress shop/web' },
      { name: 'a.example.test', targets: ['192.0.2.7'], origin: 'Service shop/web' },
      { name: 'b.example.test', targets: ['192.0.2.7'], origin: 'Service shop/web' },
      { name: 'c.example.test', targets: [], origin: 'IngressRoute shop/web' },
    ]);
    expect(cluster.gaps).toEqual([]);
  });

  it('are read as far as possible, with the gaps reported', async () => {
    const cluster = openClusterReading(createMemoryObjects([INGRESS, SERVICE], ['Ingress']));
    expect((await findWantedNames(cluster)).map(({ name }) => name)).toEqual(['a.example.test', 'b.example.test']);
    expect(cluster.gaps).toEqual(['ingresses: of no known form (OBJECT_FIELD_UNSUPPORTED)']);
  });
});
