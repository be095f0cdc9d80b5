import type { NewKeyAlgorithm } from '@kube-rescue/x509';

/** How certificates are renewed. */
export interface RenewalOptions {
  /** Generates new private keys of the same kind. Default: false, the keys stay. */
  readonly newKeys?: boolean | undefined;
  /** Algorithm of new private keys; needs `newKeys`. Default: that of the old keys. */
  readonly keyAlgorithm?: NewKeyAlgorithm | undefined;
  /** DNS names and IP addresses to add to the subject alternative names; a certificate that lacks one is renewed. Default: none. */
  readonly addNames?: readonly string[] | undefined;
  /** Lifetime; never beyond the CA's. Default: 365. */
  readonly days?: number | undefined;
  /** Renews every certificate, also those without a problem. Default: false. */
  readonly all?: boolean | undefined;
  /** Also renews certificates that expire within so many days. Default: 0, none. */
  readonly expiringWithinDays?: number | undefined;
}

/** kubeadm's lifetime of a leaf (`app/constants/constants.go` CertificateValidityPeriod). */
const DEFAULT_DAYS = 365;

/** The options with their defaults filled in. */
export type ResolvedRenewalOptions = Omit<
  { readonly [K in keyof RenewalOptions]-?: NonNullable<RenewalOptions[K]> },
  'keyAlgorithm'
> &
  Pick<RenewalOptions, 'keyAlgorithm'>;

/** Fills in the defaults. */
export function resolveRenewalOptions(options: RenewalOptions): ResolvedRenewalOptions {
  return {
    newKeys: options.newKeys ?? false,
    keyAlgorithm: options.keyAlgorithm,
    addNames: options.addNames ?? [],
    days: options.days ?? DEFAULT_DAYS,
    all: options.all ?? false,
    expiringWithinDays: options.expiringWithinDays ?? 0,
  };
}
