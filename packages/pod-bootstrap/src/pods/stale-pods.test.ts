import { describe, expect, it } from 'vitest';
import { findStalePods } from './stale-pods.ts';

const publishedAt = new Date('2026-11-22T12:05:30Z');
const secrets = [{ metadata: { name: 'default-token', namespace: 'default' } }];
const token = { secret: { secretName: 'default-token' } };
const projected = {
  projected: { sources: [{ serviceAccountToken: {} }, { configMap: { name: 'kube-root-ca.crt' } }] },
};

function bundle(clusterTrustBundle: object): unknown {
  return { projected: { sources: [{ clusterTrustBundle: { ...clusterTrustBundle, path: 'api.pem' } }] } };
}

function pod(name: string, startedAt: string, volume: unknown): unknown {
  const containerStatuses = [{ state: { running: { startedAt } } }];
  const metadata = { name, namespace: 'default' };
  return { metadata, spec: { volumes: [{ emptyDir: {} }, volume] }, status: { containerStatuses } };
}

const stale = (...pods: readonly unknown[]): readonly string[] => findStalePods({ pods, secrets, publishedAt });

describe('a pod holds an old CA', () => {
  it.each([
    ['a token Secret', token],
    ['the ConfigMap of its namespace', projected],
    ['the ClusterTrustBundle of the signer', bundle({ signerName: 'kubernetes.io/kube-apiserver-serving' })],
    ['the ClusterTrustBundle of a name', bundle({ name: 'kubernetes.io:kube-apiserver-serving:1a2b' })],
  ])('when it started before the new one was in %s', (_, volume) => {
    const before = pod('before', '2026-11-22T12:05:29Z', volume);
    const after = pod('after', '2026-11-22T12:05:30Z', volume);
    expect(stale(before, after)).toEqual(['default/before']);
  });

  it('but not when it mounts no CA, or does not run', () => {
    const long = '2026-01-01T00:00:00Z';
    expect(stale(pod('x', long, { hostPath: {} }), pod('y', long, { secret: { secretName: 'other' } }))).toEqual([]);
    expect(stale(pod('x', long, bundle({ signerName: 'example.org/mesh' })))).toEqual([]);
    expect(
      stale({ metadata: { name: 'x', namespace: 'default' }, spec: { volumes: [token] }, status: {} }, null),
    ).toEqual([]);
  });
});
