import { authorityExpired } from './authority-expired/authority-expired.ts';
import { expireCertificates } from './kubeadm-expired/expire-certificates.ts';
import { proveDeath } from './kubeadm-expired/prove-death.ts';
import { proveLife } from './kubeadm-expired/prove-life.ts';
import type { ClusterScenario } from './scenario.ts';

/** Every way in which the lab breaks a cluster, by the name that a drill calls it. */
export const CLUSTER_SCENARIOS = {
  'kubeadm-expired': {
    what: 'every certificate expires',
    breakCluster: expireCertificates,
    proveDeath,
    proveLife,
  },
  'ca-expired': authorityExpired('ca'),
  'etcd-ca-expired': authorityExpired('etcd/ca'),
  'front-proxy-ca-expired': authorityExpired('front-proxy-ca'),
} as const satisfies Readonly<Record<string, ClusterScenario>>;

export type ScenarioName = keyof typeof CLUSTER_SCENARIOS;
