import type { ScenarioName, SelfHostedScenarioName } from '@kube-rescue/lab';

/** The scenarios of the lab, the default first. Repeated here, so that `--help` does not load the lab. */
export const SCENARIOS = [
  'kubeadm-expired',
  'ca-expired',
  'etcd-ca-expired',
  'front-proxy-ca-expired',
  'ca-rotation-live',
  'saturday',
] as const satisfies readonly (ScenarioName | SelfHostedScenarioName | 'ca-rotation-live')[];

export type Scenario = (typeof SCENARIOS)[number];
