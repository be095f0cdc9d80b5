import { describe, expect, it } from 'vitest';
import { findStalePods } from './stale-pods.ts';

const ISSUED = new Date('2026-11-22T12:00:00Z');
const PUBLISHED = '2026-11-22T12:05:30Z';

function published(name: string, time = PUBLISHED, namespace = 'default'): unknown {
  return { metadata: { name, namespace, managedFields: [{ time: '2020-01-01T00:00:00Z' }, { time }] } };
}

function pod(name: string, startedAt: string, volume: unknown, namespace = 'default'): unknown {
  const containerStatuses = [{ state: { running: { startedAt } } }];
  return {
    metadata: { name, namespace },
    spec: { volumes: [{ emptyDir: {} }, volume] },
    status: { containerStatuses },
  };
}

const token = { secret: { secretName: 'default-token' } };
const projected = {
  projected: { sources: [{ serviceAccountToken: {} }, { configMap: { name: 'kube-root-ca.crt' } }] },
};

function stale(pods: readonly unknown[], time = PUBLISHED): readonly string[] {
  const secrets = [published('default-token', time)];
  const configMaps = [
    published('kube-root-ca.crt', time),
    published('kube-root-ca.crt', '2021-01-01T00:00:00Z', 'old'),
  ];
  return findStalePods({ pods, configMaps, secrets, issuedAfter: ISSUED });
}

describe('a pod holds the CA as it was before', () => {
  it.each([
    ['a token Secret', token],
    ['the ConfigMap of its namespace', projected],
  ])('when it started before the new one was in %s', (_, volume) => {
    const before = pod('before', '2026-11-22T12:05:29Z', volume);
    const after = pod('after', '2026-11-22T12:05:30Z', volume);
    expect(stale([before, after])).toEqual(['default/before']);
  });

  it('but not when nothing was published since the CA was made, or long after it', () => {
    expect(stale([pod('x', '2026-01-01T00:00:00Z', projected, 'old')])).toEqual([]);
    expect(stale([pod('x', '2026-01-01T00:00:00Z', token)], '2026-11-23T12:00:00Z')).toEqual([]);
  });

  it('nor when it has no service account, or does not run', () => {
    expect(stale([pod('x', '2026-01-01T00:00:00Z', { hostPath: {} })])).toEqual([]);
    expect(
      stale([{ metadata: { name: 'x', namespace: 'default' }, spec: { volumes: [token] }, status: {} }, null]),
    ).toEqual([]);
  });
});
