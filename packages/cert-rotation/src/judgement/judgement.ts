import { formatTime } from '@kube-rescue/errors';
import {
  allowsUsage,
  canSignCertificates,
  type Certificate,
  findIssuerMismatch,
  isKeyOf,
  type IssuerMismatch,
  MS_PER_DAY,
  namesAddress,
} from '@kube-rescue/x509';
import { PKI_ERRORS, type PkiErrorCode } from '../errors.ts';
import type { CaEntry } from '../inventory/ca-inventory.ts';
import type { CertificateId } from '../inventory/catalogue.ts';
import type { CertificateEntry, CertificateInventory } from '../inventory/inventory.ts';
import type { Reading } from '../inventory/reading.ts';
import { type Problem, problemOf } from './problem.ts';
import { findForeignIdentity } from './signable.ts';

export interface JudgementOptions {
  readonly now: Date;
  /** A certificate that expires within so many days is reported as `info`. Default: 30; 0 reports none. */
  readonly expiringWithinDays?: number | undefined;
}

type Draft = Pick<Problem, 'message' | 'hint'> & Partial<Problem> & { readonly code: PkiErrorCode };

function problem(subject: string, draft: Draft): Problem {
  return { severity: 'problem', fixedBy: 'renewal', subject, kind: PKI_ERRORS[draft.code], ...draft };
}

function judgeDates({ notBefore, notAfter }: Certificate, path: string, options: JudgementOptions): Problem[] {
  const { now, expiringWithinDays = 30 } = options;
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
  if (notAfter.getTime() - now.getTime() < expiringWithinDays * MS_PER_DAY) {
    const message = `expires on ${formatTime(notAfter)}`;
    return [problem(path, { code: 'PKI_CERTIFICATE_EXPIRES_SOON', severity: 'info', message, hint: renew })];
  }
  return [];
}

const MISMATCHES: Readonly<Record<IssuerMismatch, string>> = {
  name: 'the issuer has another name',
  'key identifier': 'the authority key identifier names another key',
  'serial number': 'the authority key identifier names another serial number',
  signature: 'the signature is from another key',
};

function chainBreak(certificate: Certificate, ca: Certificate): string | undefined {
  const mismatch = findIssuerMismatch(certificate, ca);
  return mismatch === undefined ? undefined : MISMATCHES[mismatch];
}

/** `undefined` when one CA of `bundle` signed `certificate`, otherwise why the first did not. */
function findChainBreak(certificate: Certificate, bundle: readonly Certificate[]): string | undefined {
  const breaks = bundle.map((ca) => chainBreak(certificate, ca));
  return breaks.includes(undefined) ? undefined : (breaks[0] ?? 'the CA has no certificate');
}

function judgeChain(certificate: Certificate, path: string, ca: CaEntry | undefined, id: CertificateId): Problem[] {
  if (ca === undefined || !ca.bundle.ok) return [];
  const reason = findChainBreak(certificate, ca.bundle.value);
  if (reason === undefined) return [];
  const foreign = findForeignIdentity(id, certificate);
  if (foreign !== undefined) {
    return [
      problem(path, {
        code: 'PKI_CHAIN_BROKEN',
        message: `was not signed by a CA of this cluster (${reason}) and claims ${foreign}, which this certificate never has`,
        hint: 'find out who wrote the file; restore it from a backup, or recreate it with `kubeadm init phase`',
        fixedBy: 'operator',
      }),
    ];
  }
  return [
    problem(path, {
      code: 'PKI_CHAIN_BROKEN',
      message: `was not signed by the ${ca.definition.name} in ${ca.path}: ${reason}`,
      hint: 'renew it with `kube-rescue certs renew`',
    }),
  ];
}

/** A renewal keeps the extensions, so a leaf that can sign would become an intermediate CA. */
function judgeCaRights(certificate: Certificate, path: string): Problem[] {
  if (!canSignCertificates(certificate)) return [];
  return [
    problem(path, {
      code: 'PKI_CERTIFICATE_INVALID',
      message: 'can sign certificates (CA:TRUE or keyCertSign), which the certificate of a component never can',
      hint: 'find out who wrote the file; restore it from a backup, or recreate it with `kubeadm init phase`',
      fixedBy: 'operator',
    }),
  ];
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

function judgeKey(entry: CertificateEntry, certificate: Certificate): Problem[] {
  const path = entry.keyLocation.path;
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

/** Checks one certificate of an inventory at `now`. Pure; an empty list means no problem. */
export function judgeCertificate(
  entry: CertificateEntry,
  inventory: Pick<CertificateInventory, 'cas'>,
  options: JudgementOptions,
): readonly Problem[] {
  const { path } = entry.certificateLocation;
  if (!entry.certificate.ok) return [problemOf(entry.certificate.error, path)];
  const certificate = entry.certificate.value;
  const ca = inventory.cas.find(({ id }) => id === entry.ca);
  const problems = [
    ...judgeForm(entry.certificate, path),
    ...judgeDates(certificate, path, options),
    ...judgeCaRights(certificate, path),
    ...judgeChain(certificate, path, ca, entry.id),
    ...judgePurpose(entry, certificate, path),
    ...judgeKey(entry, certificate),
    ...judgeEmbedded(entry, options),
  ];
  if (entry.definition.location.in !== 'kubelet-self-signed') return problems;
  const hint = 'the kubelet creates a new pair when it starts without one';
  return problems.map((each) => ({ ...each, hint }));
}
