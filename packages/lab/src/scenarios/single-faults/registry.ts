import { cniMissing } from './cni-missing.ts';
import { controllerManagerGone, dnsGone, schedulerGone } from './lost-pods.ts';
import type { SingleFault } from './single-fault.ts';
import { staleCheckpoint } from './stale-checkpoint.ts';
import { staleServiceAccountCa } from './stale-service-account-ca.ts';

/** The faults that a single step of the self-hosted recovery repairs, by name. */
export const SINGLE_FAULTS = {
  'cni-missing': cniMissing,
  'scheduler-gone': schedulerGone,
  'controller-manager-gone': controllerManagerGone,
  'dns-gone': dnsGone,
  'stale-service-account-ca': staleServiceAccountCa,
  'stale-checkpoint': staleCheckpoint,
} as const satisfies Readonly<Record<string, SingleFault>>;

export type SingleFaultName = keyof typeof SINGLE_FAULTS;
