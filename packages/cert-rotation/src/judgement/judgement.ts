import { formatTime } from '@kube-rescue/errors';
import {
  allowsUsage,
  type Certificate,
  type GoChainFault,
  isKeyOf,
  isWeaklySigned,
  namesAddress,
} from '@kube-rescue/x509';
import { PKI_ERRORS, PkiError, type PkiErrorCode } from '../errors.ts';
import type { CaEntry } from '../inventory/ca-inventory.ts';
import type { CertificateEntry, CertificateInventory } from '../inventory/inventory.ts';
import type { Reading } from '../inventory/reading.ts';
import { findChainBreak, findChainFault, hasSigned, isBySigner, isOfCa, judgeChain } from './chain-judgement.ts';
import { type ExpiryNotice, expiresSoon } from './expiry-notice.ts';
import { judgeByGo } from './go-judgement.ts';
import { describeKeyLoss } from '../inventory/loss.ts';
import { judgeLoss } from './loss-judgement.ts';
import { joinSubject, type Problem, problemOf } from './problem.ts';
import { judgeRefusal, signingCertificate } from './ca-judgement.ts';
import { findForbiddenContent, findForeignClaim } from './signable.ts';

/** A certificate that expires soon by the notice is reported as `info`. */
export interface JudgementOptions extends ExpiryNotice {
  readonly now: Date;
}

type Draft = Pick<Problem, 'message' | 'hint'> & Partial<Problem> & { readonly code: PkiErrorCode };

function problem(subject: string, draft: Draft): Problem {
  return { severity: 'problem', fixedBy: 'renewal', subject, kind: PKI_ERRORS[draft.code], ...draft };
}

/** The dates of a certificate, with the advice to renew it here. */
export function judgeDates(certificate: Certificate, path: string, options: JudgementOptions): Problem[] {
  const { notBefore, notAfter } = certificate;
  const { now } = options;
  const renew = 'renew it with `kube-rescue certs renew`';
  if (now > notAfter) {
    const message = `expired on ${formatTime(notAfter)}`;
    return [problem(path, { code: 'PKI_CERTIFICATE_EXPIRED', message, hint: renew })];
  }
  if (now < notBefore) {
    const message = `is not valid before ${formatTime(notBefore)}`;
    const hint = `check this machine's clock, then ${renew}`;
    return [problem(path, { code: 'PKI_CERTIFICATE_NOT_YET_VALID', message, hint })];
  }
  if (expiresSoon(certificate, now, options)) {
    const message = `expires on ${formatTime(notAfter)}`;
    return [problem(path, { code: 'PKI_CERTIFICATE_EXPIRES_SOON', severity: 'warning', message, hint: renew })];
  }
  return [];
}

/** A renewal keeps subject and extensions: what a certificate claims without a right to it would get the signature of the CA. */
function judgeRights(entry: CertificateEntry, certificate: Certificate, ca: CaEntry | undefined): Problem[] {
  if (ca === undefined) return [];
  const { path } = entry.certificateLocation;
  const hint = 'find out who wrote the file; restore it from a backup, or recreate it with `kubeadm init phase`';
  const content = findForbiddenContent(certificate);
  if (content !== undefined) {
    return [problem(path, { code: 'PKI_CERTIFICATE_INVALID', message: content, hint, fixedBy: 'operator' })];
  }
  const isOurs = isOfCa(entry, certificate, ca);
  const claim = findForeignClaim(entry, certificate, { isOurs });
  if (claim === undefined) return [];
  const reason = (ca.bundle.ok ? findChainBreak(certificate, ca.bundle.value) : undefined) ?? 'the CA cannot be read';
  return [
    problem(path, {
      code: isOurs ? 'PKI_CERTIFICATE_INVALID' : 'PKI_CHAIN_BROKEN',
      message: isOurs ? claim : `was not signed by a CA of this cluster (${reason}) and ${claim}`,
      hint,
      fixedBy: 'operator',
    }),
  ];
}

/**
 * Refuses to sign a certificate again that claims more than its purpose gives it, or whose key is not the key beside it.
 *
 * @param keepsKey the new certificate is for the key of the old one
 * @throws PkiError `PKI_CERTIFICATE_INVALID` `PKI_CHAIN_BROKEN` `PKI_KEY_MISMATCH`
 */
export function assertSignable(
  entry: CertificateEntry,
  { cas }: Pick<CertificateInventory, 'cas'>,
  { keepsKey }: { readonly keepsKey: boolean },
): void {
  if (!entry.certificate.ok) throw entry.certificate.error;
  const certificate = entry.certificate.value;
  const [refusal] = judgeRights(
    entry,
    certificate,
    cas.find(({ id }) => id === entry.ca),
  );
  const reasons = [...(refusal === undefined ? [] : [refusal]), ...(keepsKey ? judgePair(entry, certificate) : [])];
  const [first] = reasons;
  if (first === undefined) return;
  const { message, subject, hint } = first;
  throw new PkiError({
    code: first.code as PkiErrorCode,
    message: joinSubject(entry.definition.name, message),
    subject,
    hint,
  });
}

/** Required names and usages that the certificate lacks. */
export function findShortfall(
  certificate: Certificate,
  { names, usages }: Pick<CertificateEntry, 'names' | 'usages'>,
): Pick<CertificateEntry, 'names' | 'usages'> {
  return {
    names: names.filter((name) => !namesAddress(certificate, name)),
    usages: usages.filter((usage) => !allowsUsage(certificate, usage)),
  };
}

function judgePurpose(entry: CertificateEntry, certificate: Certificate, path: string): Problem[] {
  const { names, usages } = findShortfall(certificate, entry);
  return [
    ...(names.length === 0
      ? []
      : [
          problem(path, {
            code: 'PKI_NAME_MISSING',
            message: `does not name ${names.join(', ')}, ${names.length === 1 ? 'an address it is' : 'addresses it is'} served on`,
            hint: 'renew it: the renewal adds the missing names',
          }),
        ]),
    ...(usages.length === 0
      ? []
      : [
          problem(path, {
            code: 'PKI_USAGE_MISSING',
            message: `does not allow use as a ${usages.join(' and ')} certificate (extended key usage)`,
            hint: 'renew it: the renewal adds the missing usage',
          }),
        ]),
  ];
}

/** PEM that only Go cannot read is written again by a renewal. */
function judgeForm(reading: Reading<unknown>, path: string): Problem[] {
  if (!reading.ok || reading.fault === undefined) return [];
  return [{ ...problemOf(reading.fault, path, 'renewal'), hint: 'renew it: the renewal writes the file again' }];
}

function judgePair(entry: CertificateEntry, certificate: Certificate): Problem[] {
  return judgeKey(entry, certificate).filter(({ fixedBy }) => fixedBy === 'new-key');
}

function judgeKey(entry: CertificateEntry, certificate: Certificate): Problem[] {
  const path = entry.keyLocation.path;
  if (!entry.key.ok && entry.keyLoss !== undefined) {
    const hint = 'renew it with `kube-rescue certs renew`: the renewal makes a new key';
    return [{ ...problemOf(entry.key.error, path, 'renewal'), message: describeKeyLoss(entry.keyLoss), hint }];
  }
  if (!entry.key.ok) return [problemOf(entry.key.error, path, 'new-key')];
  const form = judgeForm(entry.key, path);
  if (isKeyOf(entry.key.value.key, certificate)) return form;
  return [
    problem(path, {
      code: 'PKI_KEY_MISMATCH',
      message: `the key does not belong to the certificate in ${entry.certificateLocation.path}`,
      hint: 'restore the matching key or certificate, or renew with new keys (`--new-keys`)',
      fixedBy: 'new-key',
    }),
  ];
}

function judgeEmbedded(entry: CertificateEntry, options: JudgementOptions): Problem[] {
  const embedded = entry.store?.embedded;
  if (embedded === undefined) return [];
  if (!embedded.certificate.ok) return [problemOf(embedded.certificate.error, embedded.kubeconfig, 'renewal')];
  return judgeDates(embedded.certificate.value, embedded.kubeconfig, { ...options, expiringWithinDays: 0 });
}

/** Against the CA that has signed it, or that would; a chain that Go accepts is within every limit. */
function judgeLimits(
  entry: CertificateEntry,
  certificate: Certificate,
  ca: CaEntry | undefined,
  fault: GoChainFault | undefined,
): Problem[] {
  const extraNames = findShortfall(certificate, entry).names;
  if (ca?.bundle.ok !== true || (fault === undefined && extraNames.length === 0)) return [];
  const issuer = ca.bundle.value.find((each) => hasSigned(each, certificate)) ?? signingCertificate(ca);
  if (issuer === undefined) return [];
  return judgeRefusal(entry, ca, { certificate, issuer, extraNames });
}

function judgeSignature(certificate: Certificate, path: string, ca: CaEntry | undefined): Problem[] {
  if (ca === undefined || !isWeaklySigned(certificate)) return [];
  const message = 'is signed with MD5 or SHA-1, which Go refuses';
  return [problem(path, { code: 'PKI_CERTIFICATE_INVALID', message, hint: 'renew it with `kube-rescue certs renew`' })];
}

/** Checks one certificate of an inventory at `now`. Pure; an empty list means no problem. */
export function judgeCertificate(
  entry: CertificateEntry,
  inventory: Pick<CertificateInventory, 'cas'>,
  options: JudgementOptions,
): readonly Problem[] {
  const { path } = entry.certificateLocation;
  const { loss } = entry;
  if (loss !== undefined) return [judgeLoss({ ...entry, loss }, inventory)];
  if (!entry.certificate.ok) return [problemOf(entry.certificate.error, path)];
  const certificate = entry.certificate.value;
  const ca = inventory.cas.find(({ id }) => id === entry.ca);
  const fault = findChainFault(entry, certificate, ca, options.now);
  const limits = [...judgeLimits(entry, certificate, ca, fault), ...judgeSignature(certificate, path, ca)];
  const rights = judgeRights(entry, certificate, ca);
  // A foreign claim names the break of the chain already; a limit names the rule that the chain breaks, but not who signed it.
  const isNamed = rights.some(({ code }) => code === 'PKI_CHAIN_BROKEN') || (limits.length > 0 && !isBySigner(fault));
  const problems = [
    ...judgeForm(entry.certificate, path),
    ...judgeDates(certificate, path, options),
    ...judgeByGo(entry),
    ...rights,
    ...limits,
    ...(isNamed ? [] : judgeChain(entry, certificate, ca, fault)),
    ...judgePurpose(entry, certificate, path),
    ...judgeKey(entry, certificate),
    ...judgeEmbedded(entry, options),
  ];
  if (entry.definition.location.in !== 'kubelet-self-signed') return problems;
  const hint = 'the kubelet creates a new pair when it starts without one';
  return problems.map((each) => ({ ...each, hint }));
}
