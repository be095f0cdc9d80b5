import type { RenewalOptions } from '@kube-rescue/cert-rotation';

/** The values of `renewalFlags`. */
export interface RenewalValues {
  readonly 'new-keys': boolean;
  readonly days: number | undefined;
  readonly 'renew-within': number | undefined;
}

export function toRenewal(flags: RenewalValues, all = false): RenewalOptions {
  return { newKeys: flags['new-keys'], days: flags.days, all, expiringWithinDays: flags['renew-within'] };
}
