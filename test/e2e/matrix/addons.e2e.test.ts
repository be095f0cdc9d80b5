import { expect, it } from 'vitest';
import { drill } from '../drill.fixture.ts';

/** First builds of Kubernetes and of the addons included. */
const TIMEOUT_MS = 90 * 60_000;
const EFFECTS = [
  'the kubelet of cp1 presents a valid certificate of the cluster CA',
  'a ClusterIP answers',
  'in a pod on node1 DNS answers, and so do the Services that it names',
  'kubectl logs works on every node',
  'kubectl exec works on every node',
  'metrics-server serves figures of every node through the API server',
  'the audit webhook gets events',
  'Secrets are encrypted in etcd',
];

it(
  'a cluster with addons and a worker is recovered, and its kubelet gets the serving certificate that it requests',
  async () => {
    const { names, kinds } = await drill('--scenario', 'kubeadm-full');
    expect(kinds[0]).toBe('health');
    expect(kinds.at(-1)).toBe('life-again');
    for (const effect of EFFECTS)
      expect(names).toEqual(expect.arrayContaining([`health: ${effect}`, `life: ${effect}`]));
  },
  TIMEOUT_MS,
);
