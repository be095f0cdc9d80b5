import { createCluster } from '../cluster/cluster.ts';
import type { SelfHostedCluster } from '../self-hosted/cluster.ts';
import { caExpired, caExpiredFull } from './ca-expired/ca-expired.ts';
import { etcdRestore } from './etcd-restore/etcd-restore.ts';
import { haCaExpired } from './ha-ca-expired/ha-ca-expired.ts';
import { haExpired } from './ha-expired/ha-expired.ts';
import { haQuorumLost } from './ha-quorum-lost/ha-quorum-lost.ts';
import { expireCertificates } from './kubeadm-expired/expire-certificates.ts';
import { proveDeath } from './kubeadm-expired/prove-death.ts';
import { proveLife } from './kubeadm-expired/prove-life.ts';
import { kubeadmFull } from './kubeadm-full/kubeadm-full.ts';
import { saturday } from './saturday/saturday.ts';
import type { ClusterScenario } from './scenario.ts';

/** The scenarios of a kubeadm cluster, by name. */
export const CLUSTER_SCENARIOS = {
  'kubeadm-expired': {
    what: 'every certificate expires',
    createCluster,
    breakCluster: expireCertificates,
    proveDeath,
    proveLife,
  },
  'kubeadm-full': kubeadmFull,
  'ca-expired': caExpired('ca'),
  'ca-expired-full': caExpiredFull,
  'etcd-ca-expired': caExpired('etcd/ca'),
  'front-proxy-ca-expired': caExpired('front-proxy-ca'),
  'etcd-restore': etcdRestore,
  'ha-expired': haExpired,
  'ha-ca-expired': haCaExpired,
  'ha-quorum-lost': haQuorumLost,
} as const satisfies Readonly<Record<string, ClusterScenario>>;

/** The scenarios of a self-hosted cluster, by name. */
export const SELF_HOSTED_SCENARIOS = {
  saturday: saturday({ encryption: 'identity', podsRunning: false }),
  'saturday-encrypted': saturday({ encryption: 'aescbc', podsRunning: false }),
  'saturday-pods-alive': saturday({ encryption: 'identity', podsRunning: true }),
  'saturday-encrypted-pods-alive': saturday({ encryption: 'aescbc', podsRunning: true }),
} as const satisfies Readonly<Record<string, ClusterScenario<SelfHostedCluster>>>;

export type SelfHostedScenarioName = keyof typeof SELF_HOSTED_SCENARIOS;

export type ScenarioName = keyof typeof CLUSTER_SCENARIOS;
