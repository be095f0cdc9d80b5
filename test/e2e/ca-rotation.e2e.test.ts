import { describe, expect, it } from 'vitest';
import { drill, type DrillResult } from './drill.fixture.ts';

interface Failure {
  readonly client: string;
  readonly at: string;
  readonly reason: string;
}

interface RotationResult extends Pick<DrillResult, 'proofs'> {
  readonly rotation: {
    readonly requests: Readonly<Record<string, number>>;
    readonly stages: readonly {
      readonly stage: string;
      readonly restartedApiServer: boolean;
      readonly failures: readonly Failure[];
    }[];
  };
}

const LIFE = [
  'the CA is another one, and one alone',
  'openssl verifies every leaf certificate strictly against its CA',
  'kubectl get --raw /apis answers, and every APIService is available',
  'a pod talks to the API with its service account token and CA',
  "kubeadm join finds the cluster by cluster-info and the hash of the CA's key",
  'a kubelet that has nothing but a bootstrap token is given a certificate of the CA',
  'no file and no object holds the old CA',
];
const WAYS = [
  'restart-pods: the pods of a Deployment, a DaemonSet and a StatefulSet were started anew',
  'restart-pods: the pod without a controller was left alone, and named',
  'back: rollback takes it back',
  'back: every byte is as it was',
  'back: every object trusts what it did',
  'cut-off: certs rotate-ca cluster --stage issue was killed in its midst',
  'cut-off: certs rotate-ca cluster --resume ends it',
];
const CAS = ['ca', 'front-proxy-ca', 'etcd/ca'];
const TIMEOUT_MS = 20 * 60_000;

describe('a healthy cluster whose CAs are rotated to new keys under load', () => {
  // One kind of keys: with the other the drill does the same, and CI has no hours.
  it.each(['rsa'])(
    'answers every request but those to an API server that restarts, goes back and on, and forgets the old CAs (%s)',
    async (algorithm) => {
      const { result, names } = await drill<RotationResult>('--scenario', 'ca-rotation-live', '--algorithm', algorithm);
      const life = CAS.flatMap((ca) => LIFE.map((name) => `life of ${ca}: ${name}`));
      expect(names).toEqual(expect.arrayContaining(WAYS));
      expect(names).toEqual(expect.arrayContaining([...life, 'life of ca: a client of the old CA is refused']));

      const { requests, stages } = result.rotation;
      expect(Math.min(...Object.values(requests))).toBeGreaterThan(100);
      // Another CA of the cluster or of the front proxy is read by a living API server.
      const restarts = stages.filter(({ restartedApiServer }) => restartedApiServer).map(({ stage }) => stage);
      expect(restarts).toEqual(['etcd trust', 'etcd drop']);
      const others = stages.filter(({ restartedApiServer }) => !restartedApiServer).flatMap(({ failures }) => failures);
      expect(others.filter(({ client }) => client !== 'unchanged client')).toEqual([]);
      const all = stages.flatMap(({ failures }) => failures);
      expect(all.filter(({ client }) => client === 'workload')).toEqual([]);
    },
    TIMEOUT_MS,
  );
});
