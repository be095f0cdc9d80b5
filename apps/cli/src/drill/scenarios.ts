/** The ways to break a lab cluster, the default first. */
export const SCENARIOS = ['kubeadm-expired'] as const;

export type Scenario = (typeof SCENARIOS)[number];
