import { type Certificate, MS_PER_DAY } from '@kube-rescue/x509';

/**
 * The part of its lifetime that a certificate has left when it expires soon: the kubelet renews in the last 10 to 30 %
 * (client-go `util/certificate/certificate_manager.go` nextRotationDeadline), cert-manager in the last third.
 */
const LAST_PART = 1 / 3;

/** How long before its end a certificate expires soon. */
export interface ExpiryNotice {
  /** Exactly so many days, whatever the lifetime; 0: never. Default: `usualDays`, at most a third of the lifetime. */
  readonly expiringWithinDays?: number | undefined;
  /** For long lifetimes. Default: 30. */
  readonly usualDays?: number | undefined;
}

/**
 * Whether less is left of a certificate at `now` than the notice allows. True also after its end.
 *
 * The notice of a short-lived certificate is a third of its lifetime: a certificate of three days is not always about to expire.
 */
export function expiresSoon(
  { notBefore, notAfter }: Pick<Certificate, 'notBefore' | 'notAfter'>,
  now: Date,
  { expiringWithinDays, usualDays = 30 }: ExpiryNotice,
): boolean {
  const left = notAfter.getTime() - now.getTime();
  const third = (notAfter.getTime() - notBefore.getTime()) * LAST_PART;
  return (
    left <
    (expiringWithinDays === undefined ? Math.min(usualDays * MS_PER_DAY, third) : expiringWithinDays * MS_PER_DAY)
  );
}
