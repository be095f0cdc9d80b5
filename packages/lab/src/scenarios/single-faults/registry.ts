import { cniMissing } from './cni-missing.ts';
import { controllerManagerGone, dnsGone, schedulerGone } from './lost-pods.ts';
import type { SingleFault } from './single-fault.ts';
import { staleCheckpoint } from './stale-checkpoint.ts';
import { staleServiceAccountCa } from './stale-service-account-ca.ts';

/** What each step of the recovery of a self-hosted cluster mends by itself, by the name of the fault. */
export const SINGLE_FAULTS = {
  'cni-missing': cniMissing,
  'scheduler-gone': schedulerGone,
  'controller-manager-gone': controllerManagerGone,
  'dns-gone': dnsGone,
  'stale-service-account-ca': staleServiceAccountCa,
  'stale-checkpoint': staleCheckpoint,
} as const satisfies Readonly<Record<string, SingleFault>>;

export type SingleFaultName = keyof typeof SINGLE_FAULTS;
