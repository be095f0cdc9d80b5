import type { ExpiryNotice } from '../judgement/expiry-notice.ts';
import type { NewKeyAlgorithm } from '@kube-rescue/x509';
import type { CertificateId } from '../inventory/catalogue.ts';

/** How certificates are renewed. */
export interface RenewalOptions {
  /** Generates new private keys of the same kind. Default: false, the keys stay. */
  readonly newKeys?: boolean | undefined;
  /** Algorithm of new private keys; needs `newKeys`. Default: that of the old keys. */
  readonly keyAlgorithm?: NewKeyAlgorithm | undefined;
  /** DNS names and IP addresses to add to the subject alternative names; a certificate that lacks one is renewed. Default: none. */
  readonly addNames?: readonly string[] | undefined;
  /** Lifetime; never beyond the CA's. Default: that of the certificate that is replaced; see `planLifetime`. */
  readonly days?: number | undefined;
  /** Renews every certificate, also those without a problem. Default: false. */
  readonly all?: boolean | undefined;
  /** Renews these, also without a problem. Unlike `all`, removes a valid serving pair that the kubelet created itself. Default: none. */
  readonly named?: readonly CertificateId[] | undefined;
  /** Also renews certificates that expire within so many days; 0: none. Default: 7, at most a third of the lifetime. */
  readonly expiringWithinDays?: number | undefined;
}

const USUAL_NOTICE_DAYS = 7;

/** When a certificate is renewed before it expires. */
export function renewalNotice({ expiringWithinDays }: Pick<RenewalOptions, 'expiringWithinDays'>): ExpiryNotice {
  return { expiringWithinDays, usualDays: USUAL_NOTICE_DAYS };
}

/** Options whose default depends on the certificate. */
type OpenOption = 'keyAlgorithm' | 'days' | 'expiringWithinDays';

/** The options with their defaults filled in. */
export type ResolvedRenewalOptions = Omit<
  { readonly [K in keyof RenewalOptions]-?: NonNullable<RenewalOptions[K]> },
  OpenOption
> &
  Pick<RenewalOptions, OpenOption>;

/** Fills in the defaults. */
export function resolveRenewalOptions(options: RenewalOptions): ResolvedRenewalOptions {
  return {
    newKeys: options.newKeys ?? false,
    keyAlgorithm: options.keyAlgorithm,
    addNames: options.addNames ?? [],
    days: options.days,
    all: options.all ?? false,
    named: options.named ?? [],
    expiringWithinDays: options.expiringWithinDays,
  };
}
