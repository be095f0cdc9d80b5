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
  'the CA file holds the new CA and no other',
  'openssl verifies every leaf certificate strictly against its CA',
  'kubectl get --raw /apis answers, and every APIService is available',
  'a pod reaches the API with its service account token and CA',
  'kubeadm join discovers the cluster by cluster-info and the hash of the CA key',
  'a kubelet with only a bootstrap token gets a certificate of the CA',
  'no file and no object holds the old CA',
];
const REVERSALS = [
  'restart-pods: the pods of a Deployment, a DaemonSet and a StatefulSet were replaced',
  'restart-pods: the pod without a controller was kept and named',
  'back: rollback undoes it',
  'back: every byte is as it was',
  'back: every object trusts what it did',
  'cut-off: certs rotate-ca cluster --stage issue was killed in its midst',
  'cut-off: certs rotate-ca cluster --resume ends it',
];
const CAS = ['ca', 'front-proxy-ca', 'etcd/ca'];
const TIMEOUT_MS = 20 * 60_000;

describe('a healthy cluster whose CAs are rotated to new keys under load', () => {
  // Only one key algorithm: the drill is the same with the other, and takes long.
  it.each(['rsa'])(
    'answers every request except during restarts of the API server, is rolled back and resumed, and drops the old CAs (%s)',
    async (algorithm) => {
      const { result, names } = await drill<RotationResult>(
        '--scenario',
        'ca-rotation-live',
        '--algorithm',
        algorithm,
        '--kubernetes',
        '1.20',
      );
      const life = CAS.flatMap((ca) => LIFE.map((name) => `life of ${ca}: ${name}`));
      expect(names).toEqual(expect.arrayContaining(REVERSALS));
      expect(names).toEqual(
        expect.arrayContaining([...life, 'life of ca: a client certificate of the old CA is rejected']),
      );

      const { requests, stages } = result.rotation;
      expect(Math.min(...Object.values(requests))).toBeGreaterThan(100);
      // A running API server reloads the cluster CA and the front proxy CA.
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
