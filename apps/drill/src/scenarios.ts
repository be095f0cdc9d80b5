import { usageError } from 'kube-rescue/command-line';
import type { KubernetesReleaseName, ScenarioName, SelfHostedScenarioName } from '@kube-rescue/lab';

/** The scenarios of the lab, the default first. Repeated here, so that `--help` does not load the lab. */
export const SCENARIOS = [
  'kubeadm-expired',
  'kubeadm-full',
  'ca-expired',
  'ca-expired-full',
  'etcd-ca-expired',
  'front-proxy-ca-expired',
  'etcd-restore',
  'ha-expired',
  'ha-ca-expired',
  'ha-quorum-lost',
  'ca-rotation-live',
  'sa-rotation-live',
  'saturday',
] as const satisfies readonly (ScenarioName | SelfHostedScenarioName | LiveScenario)[];

/** Scenarios that break nothing: a healthy cluster changes its trust while it serves. */
export type LiveScenario = 'ca-rotation-live' | 'sa-rotation-live';

export function isLive(scenario: string): scenario is LiveScenario {
  return scenario === 'ca-rotation-live' || scenario === 'sa-rotation-live';
}

/** @throws CliError `USAGE` where a scenario has nothing to stop after */
export function assertBreaks(scenario: Scenario, breakOnly: boolean): void {
  if (!breakOnly || !isLive(scenario)) return;
  throw usageError(`scenario ${scenario} breaks nothing`, '--break-only', 'omit --break-only, or pass --keep');
}

/** @throws CliError `USAGE` where a scenario is not recovered over SSH */
export function assertSeveral(scenario: Scenario, overSsh: boolean): void {
  if (!overSsh || scenario === 'ha-expired' || scenario === 'ha-ca-expired') return;
  throw usageError(
    `scenario ${scenario} is not recovered over SSH`,
    '--over-ssh',
    'omit --over-ssh, or pass --scenario ha-expired or ha-ca-expired',
  );
}

export type Scenario = (typeof SCENARIOS)[number];

/** The versions of Kubernetes of the lab, the newest first. Repeated here for the same reason. */
export const KUBERNETES = ['1.37', '1.34', '1.20'] as const satisfies readonly KubernetesReleaseName[];

export type Kubernetes = (typeof KUBERNETES)[number];

/** Without a flag: the newest, or what Debian's source has where the newest cannot be obtained. */
export const DEFAULT_KUBERNETES: Versions = ['1.37', '1.20'];
/** A self-hosted cluster is of the time of Tectonic. */
export const SELF_HOSTED_KUBERNETES: Kubernetes = '1.20';

/** Versions of which the first that can be obtained is used. */
export type Versions = readonly [Kubernetes, ...Kubernetes[]];

/** The versions with the addons of the lab, and those in which several control planes join as they do today. */
const SINCE_1_34: readonly [Kubernetes, ...Kubernetes[]] = ['1.37', '1.34'];

/** The versions for a scenario. @throws CliError `USAGE` for a version that the cluster of the scenario cannot have */
export function kubernetesFor(scenario: Scenario, given: Kubernetes | undefined): Versions {
  const [offered, why] = offeredFor(scenario);
  if (given === undefined) return offered === KUBERNETES ? DEFAULT_KUBERNETES : [offered[0]];
  if (offered.includes(given)) return [given];
  throw usageError(
    `scenario ${scenario} has no Kubernetes ${given}: ${why}`,
    `--kubernetes ${given}`,
    `omit --kubernetes, or pass ${offered.join(' or ')}`,
  );
}

function offeredFor(scenario: Scenario): readonly [offered: readonly [Kubernetes, ...Kubernetes[]], why: string] {
  if (scenario === 'saturday')
    return [[SELF_HOSTED_KUBERNETES], `self-hosted clusters are of ${SELF_HOSTED_KUBERNETES}`];
  if (scenario === 'kubeadm-full' || scenario === 'ca-expired-full')
    return [SINCE_1_34, 'its addons need 1.34 or later'];
  if (scenario.startsWith('ha-')) return [SINCE_1_34, 'three control planes need 1.34 or later'];
  return [KUBERNETES, ''];
}
