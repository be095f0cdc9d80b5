/** How certificates are renewed. */
export interface RenewalOptions {
  /** Makes new private keys of the same kind. Default: false, the keys stay. */
  readonly newKeys?: boolean | undefined;
  /** Lifetime; never beyond the authority's. Default: 365. */
  readonly days?: number | undefined;
  /** Renews every certificate, also those that nothing is wrong with. Default: false. */
  readonly all?: boolean | undefined;
  /** Also renews certificates that end within so many days. Default: 0, none. */
  readonly expiringWithinDays?: number | undefined;
}

/** kubeadm's lifetime of a leaf (`app/constants/constants.go` CertificateValidityPeriod). */
const DEFAULT_DAYS = 365;

/** The options with their defaults filled in. */
export type ResolvedRenewalOptions = { readonly [K in keyof RenewalOptions]-?: NonNullable<RenewalOptions[K]> };

/** Fills in the defaults. */
export function resolveRenewalOptions(options: RenewalOptions): ResolvedRenewalOptions {
  return {
    newKeys: options.newKeys ?? false,
    days: options.days ?? DEFAULT_DAYS,
    all: options.all ?? false,
    expiringWithinDays: options.expiringWithinDays ?? 0,
  };
}
