import { formatTime } from '@kube-rescue/errors';
import { type Certificate, isSignedBy, namesIssuer } from '@kube-rescue/x509';
import { expiresSoon } from '../judgement/expiry-notice.ts';
import type { JudgementOptions } from '../judgement/judgement.ts';
import type { Problem } from '../judgement/problem.ts';
import type { CertificatePurpose } from './object-fields.ts';

/** Whether a certificate is trusted, rather than presented. */
export function isTrust(purpose: CertificatePurpose): boolean {
  return purpose !== 'identity';
}

/**
 * The problems of one certificate's dates.
 *
 * An expired CA beside a valid one, as in a bundle after a rotation, has severity `warning`.
 */
export function judgeValidity(
  certificate: Certificate,
  context: { readonly subject: string; readonly purpose: CertificatePurpose; readonly bundle: readonly Certificate[] },
  options: JudgementOptions,
): readonly Problem[] {
  const { subject, purpose, bundle } = context;
  const { notBefore, notAfter } = certificate;
  const { now } = options;
  const isValid = (each: Certificate): boolean => now <= each.notAfter && now >= each.notBefore;
  const severity = isTrust(purpose) && bundle.some(isValid) ? 'warning' : 'problem';
  const fixedBy = isTrust(purpose) ? 'operator' : 'renewal';
  if (now > notAfter) {
    const code = isTrust(purpose) ? 'PKI_CA_EXPIRED' : 'PKI_CERTIFICATE_EXPIRED';
    const hint = isTrust(purpose) ? 'replace it with the current CA' : 'renew it with its issuing CA';
    const message = `expired on ${formatTime(notAfter)}`;
    return [{ code, kind: 'invalid', severity, message, subject, hint, fixedBy }];
  }
  if (now < notBefore) {
    const message = `not valid before ${formatTime(notBefore)}`;
    const hint = 'check the clock of this node first';
    return [{ code: 'PKI_CERTIFICATE_NOT_YET_VALID', kind: 'invalid', severity, message, subject, hint, fixedBy }];
  }
  if (!expiresSoon(certificate, now, options)) return [];
  const message = `expires on ${formatTime(notAfter)}`;
  const hint = 'renew it before that';
  return [
    { code: 'PKI_CERTIFICATE_EXPIRES_SOON', kind: 'invalid', severity: 'warning', message, subject, hint, fixedBy },
  ];
}

/**
 * The problems of a server certificate chain: a certificate that did not sign the one before it (RFC 5246 section 7.4.2), and a
 * CA in the same object with the name of the issuer and another key.
 */
export function judgeOwnChain(
  chain: readonly Certificate[],
  cas: readonly Certificate[],
  subject: string,
): readonly Problem[] {
  const base = {
    code: 'PKI_CHAIN_BROKEN',
    kind: 'invalid',
    severity: 'problem',
    subject,
    fixedBy: 'operator',
  } as const;
  const gap = chain.findIndex((certificate, index) => {
    const next = chain[index + 1];
    return next !== undefined && !isSignedBy(certificate, next);
  });
  if (gap >= 0) {
    const message = `certificate ${gap + 1} of the chain did not sign the one before`;
    return [{ ...base, message, hint: 'put the chain in order: server certificate first, then its issuing CAs' }];
  }
  const last = chain.at(-1);
  if (last === undefined) return [];
  const namesakes = cas.filter((ca) => namesIssuer(last, ca));
  if (namesakes.length === 0 || namesakes.some((ca) => isSignedBy(last, ca))) return [];
  const message = 'the CA beside it has the name of its issuer, but another key';
  return [{ ...base, message, hint: 'reissue the certificate, or put its issuing CA beside it' }];
}
