import { describe, expect, it } from 'vitest';
import { createRoutes, findRoute, type Ingress } from './routes.ts';

const SERVICES = [
  {
    metadata: { name: 'web', namespace: 'default' },
    spec: { clusterIP: '10.3.0.7', ports: [{ name: 'http', port: 80 }, { port: 8080 }] },
  },
  { metadata: { name: 'web', namespace: 'other' }, spec: { clusterIP: 'None', ports: [{ port: 80 }] } },
];

function ingress(
  host: string | undefined,
  paths: readonly [string, object, string?][],
  namespace = 'default',
): Ingress {
  const rule = {
    ...(host === undefined ? {} : { host }),
    http: {
      paths: paths.map(([path, port, pathType = 'Prefix']) => ({
        path,
        pathType,
        backend: { service: { name: 'web', port } },
      })),
    },
  };
  return { metadata: { name: 'shop', namespace }, spec: { rules: [rule] } };
}

describe('the routes of Ingresses', () => {
  const find = (from: Ingress, host: string, url = '/'): unknown =>
    findRoute(createRoutes([from], SERVICES), host, url)?.backend;
  const shop = ingress('shop.example.test', [['/', { name: 'http' }]]);

  it('match the Host header regardless of case and port', () => {
    expect(find(shop, 'Shop.Example.Test:80')).toEqual({ address: '10.3.0.7', port: 80 });
    expect(find(shop, 'other.example.test')).toBeUndefined();
  });

  it('find a port by its name or its number', () => {
    expect(find(ingress('a', [['/', { number: 8080 }]]), 'a')).toEqual({ address: '10.3.0.7', port: 8080 });
  });

  it('take the longest path, and whole segments of it', () => {
    const from = ingress('a', [
      ['/', { number: 80 }],
      ['/api', { number: 8080 }],
      ['/only', { number: 8080 }, 'Exact'],
    ]);
    const port = (url: string): unknown => (find(from, 'a', url) as { port: number }).port;
    expect(['/api', '/api/x?y=/', '/apix', '/only', '/only/x', '/?/api'].map(port)).toEqual([
      8080, 8080, 80, 8080, 80, 80,
    ]);
  });

  it('match one label by a wildcard, and every host without a host rule', () => {
    const star = ingress('*.example.test', [['/', { number: 80 }]]);
    expect(
      ['a.example.test', 'a.b.example.test', 'example.test'].map((host) => find(star, host) !== undefined),
    ).toEqual([true, false, false]);
    expect(find(ingress(undefined, [['/', { number: 80 }]]), 'anything')).toBeDefined();
  });

  it('have no backend when the Service has no address, no such port, or is in another namespace', () => {
    const lost = [
      ingress('a', [['/', { number: 80 }]], 'other'),
      ingress('a', [['/', { number: 81 }]]),
      ingress('a', [['/', { number: 80 }]], 'third'),
    ];
    for (const from of lost)
      expect(findRoute(createRoutes([from], SERVICES), 'a', '/')).toMatchObject({ backend: undefined });
  });
});
