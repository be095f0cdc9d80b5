import { type Certificate, isSignedBy, MS_PER_DAY, namesIssuer } from '@kube-rescue/x509';
import type { JudgementOptions } from '../judgement/judgement.ts';
import type { Problem } from '../judgement/problem.ts';
import type { CertificatePurpose } from './object-fields.ts';

/** Tells what is trusted by a value rather than proven with it. */
export function isTrust(purpose: CertificatePurpose): boolean {
  return purpose !== 'identity';
}

/**
 * The problems of one certificate's dates.
 *
 * An authority that has ended beside one that lives, as in a bundle after a rotation, is told as `info`.
 */
export function judgeValidity(
  certificate: Certificate,
  context: { readonly subject: string; readonly purpose: CertificatePurpose; readonly bundle: readonly Certificate[] },
  { now, expiringWithinDays = 30 }: JudgementOptions,
): readonly Problem[] {
  const { subject, purpose, bundle } = context;
  const { notBefore, notAfter } = certificate;
  const isValid = (each: Certificate): boolean => now <= each.notAfter && now >= each.notBefore;
  const severity = isTrust(purpose) && bundle.some(isValid) ? 'info' : 'problem';
  const fixedBy = isTrust(purpose) ? 'person' : 'renewal';
  if (now > notAfter) {
    const code = isTrust(purpose) ? 'PKI_CA_EXPIRED' : 'PKI_CERTIFICATE_EXPIRED';
    const hint = isTrust(purpose)
      ? 'put the authority that is used now in its place'
      : 'have whoever issued it renew it';
    const message = `it expired on ${notAfter.toISOString()}`;
    return [{ code, kind: 'invalid', severity, message, subject, hint, fixedBy }];
  }
  if (now < notBefore) {
    const message = `it is not valid before ${notBefore.toISOString()}`;
    const hint = "check this machine's clock first";
    return [{ code: 'PKI_CERTIFICATE_NOT_YET_VALID', kind: 'invalid', severity, message, subject, hint, fixedBy }];
  }
  if (notAfter.getTime() - now.getTime() >= expiringWithinDays * MS_PER_DAY) return [];
  const message = `it expires on ${notAfter.toISOString()}`;
  const hint = 'have it renewed before';
  return [{ code: 'PKI_CERTIFICATE_EXPIRES_SOON', kind: 'invalid', severity: 'info', message, subject, hint, fixedBy }];
}

/**
 * The problems of a server's own certificate with those that come along: one that follows it and did not sign the one before
 * (RFC 5246 section 7.4.2), and an authority of the issuer's name, in the same object, that has another key.
 */
export function judgeOwnChain(
  chain: readonly Certificate[],
  cas: readonly Certificate[],
  subject: string,
): readonly Problem[] {
  const base = { code: 'PKI_CHAIN_BROKEN', kind: 'invalid', severity: 'problem', subject, fixedBy: 'person' } as const;
  const gap = chain.findIndex((certificate, index) => {
    const next = chain[index + 1];
    return next !== undefined && !isSignedBy(certificate, next);
  });
  if (gap >= 0) {
    const message = `certificate ${gap + 1} of it did not sign the one before`;
    return [{ ...base, message, hint: 'put the chain in order: the server first, then who signed it' }];
  }
  const last = chain.at(-1);
  if (last === undefined) return [];
  const namesakes = cas.filter((ca) => namesIssuer(last, ca));
  if (namesakes.length === 0 || namesakes.some((ca) => isSignedBy(last, ca))) return [];
  const message = 'the authority beside it has the name of its issuer, but another key';
  return [{ ...base, message, hint: 'have it issued anew, or put the authority that signed it beside it' }];
}
