import { type Certificate, MS_PER_DAY } from '@kube-rescue/x509';
import type { CaEntry } from '../inventory/ca-inventory.ts';

/** kubeadm's lifetime of a leaf (`app/constants/constants.go` CertificateValidityPeriod). */
const DEFAULT_DAYS = 365;
/** The most that `assertLifetime` of `x509` allows. */
const MOST_DAYS = 36_500;
/** A certificate without a known end has 99991231235959Z (RFC 5280 section 4.1.2.5); some write an earlier second of that day. */
const NEVER_MS = Date.UTC(9999, 11, 31);
const MS_PER_HOUR = MS_PER_DAY / 24;
/** Issuers set the start back by up to five minutes against differences of clocks, and take a while until they sign. */
const BACKDATE_MS = 10 * 60_000;

/** How long a renewed certificate is valid. */
export interface Lifetime {
  readonly days: number;
  /** Days from the start to the end of the old certificate, with a fraction; zero or less for inverted dates. */
  readonly oldDays: number;
  /** Why `days` differs from `oldDays`, about the old certificate: `is ...`. Absent when they agree, and when the operator chose. */
  readonly reason?: string;
}

type Dates = Pick<Certificate, 'notBefore' | 'notAfter'>;

/**
 * The lifetime of a renewal: `days`, or else that of the certificate it replaces, because a short or long lifetime is a policy.
 *
 * Where the dates of the old certificate do not tell its lifetime, it is 365 days, kubeadm's default:
 * - inverted dates;
 * - less than a day: no policy of a control plane, and a renewal that ends within hours would be the next outage;
 * - not whole days apart, and dated from the start of its CA: kubeadm does so with every leaf (`pkiutil` NewSignedCert), so that
 *   each renewal adds the age of the CA. Whole days mean that both were issued together: then it is `certificateValidityPeriod`;
 * - not whole days apart, and ended on the same second as its CA, or older than the certificate of its CA, which was reissued then.
 *
 * One that was meant never to end gets the longest lifetime, and one that outlives its CA keeps its own.
 *
 * Does not cap the lifetime by the CA: `planValidity` of `x509` does.
 *
 * @param cas the certificates of its CA
 */
export function planLifetime(old: Dates, cas: readonly Dates[], days?: number): Lifetime {
  const span = old.notAfter.getTime() - old.notBefore.getTime();
  const oldDays = span / MS_PER_DAY;
  if (days !== undefined) return { days, oldDays };
  const reason = findDoubt(old, cas, span);
  if (reason !== undefined) return { days: DEFAULT_DAYS, oldDays, reason };
  return { days: Math.min(withoutBackdate(span) / MS_PER_DAY, MOST_DAYS), oldDays };
}

/** kubeadm's configured lifetime, at most what can be issued; `undefined` without one, and for less than a day, as {@link planLifetime}. */
export function planConfiguredLifetime(days: number | undefined): number | undefined {
  return days === undefined || days < 1 ? undefined : Math.min(days, MOST_DAYS);
}

/** Why the dates of a certificate do not tell the lifetime that its issuer meant. */
function findDoubt(old: Dates, cas: readonly Dates[], span: number): string | undefined {
  if (span <= 0) return 'ends before it begins';
  if (old.notAfter.getTime() >= NEVER_MS) return undefined;
  if (span < MS_PER_DAY) return 'was valid for less than a day';
  if (span % MS_PER_DAY <= BACKDATE_MS) return undefined;
  if (cas.some(({ notBefore }) => old.notBefore < notBefore)) return 'is older than its CA';
  if (cas.some(({ notAfter }) => old.notAfter.getTime() === notAfter.getTime())) return 'ended with its CA';
  const isDatedFromCa = cas.some(({ notBefore }) => old.notBefore.getTime() === notBefore.getTime());
  return isDatedFromCa && span > DEFAULT_DAYS * MS_PER_DAY ? 'is dated from the start of its CA' : undefined;
}

/** A renewal adds its own backdate: without this, each would be longer than the last. */
function withoutBackdate(span: number): number {
  const rest = span % MS_PER_HOUR;
  return rest <= BACKDATE_MS ? span - rest : span;
}

/** What the lifetime of a renewal is, and was, in words; `undefined` when it stays. */
export function describeLifetimeChange({ days, oldDays, reason }: Lifetime): string | undefined {
  if (reason !== undefined) return `${formatDays(days)}, because the old one ${reason}`;
  return Math.abs(days - oldDays) * MS_PER_DAY <= BACKDATE_MS
    ? undefined
    : `${formatDays(days)}, was ${formatDays(oldDays)}`;
}

/** The certificates of a CA: a bundle may hold its former one. */
export function lifetimeCas({ issuer, bundle }: CaEntry): readonly Certificate[] {
  return [...(issuer.ok ? [issuer.value.certificate] : []), ...(bundle.ok ? bundle.value : [])];
}

/** A lifetime in words: `365 days`, `36 hours`. */
function formatDays(days: number): string {
  const hours = Math.round(days * 24);
  if (hours >= 48) return `${Math.round(days * 10) / 10} days`;
  return hours === 24 ? '1 day' : hours === 1 ? '1 hour' : `${hours} hours`;
}
