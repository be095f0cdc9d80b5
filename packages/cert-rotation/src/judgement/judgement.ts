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
import { type Problem, problemOf } from './problem.ts';
import { findForeignIdentity } from './signable.ts';

export interface JudgementOptions {
  readonly now: Date;
  /** A certificate that ends within so many days is told as `info`. Default: 30; 0 tells none. */
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
    const message = `it expired on ${notAfter.toISOString()}`;
    return [problem(path, { code: 'PKI_CERTIFICATE_EXPIRED', message, hint: renew })];
  }
  if (now < notBefore) {
    const message = `it is not valid before ${notBefore.toISOString()}`;
    const hint = `check this machine's clock, then ${renew}`;
    return [problem(path, { code: 'PKI_CERTIFICATE_NOT_YET_VALID', message, hint })];
  }
  if (notAfter.getTime() - now.getTime() < expiringWithinDays * MS_PER_DAY) {
    const message = `it expires on ${notAfter.toISOString()}`;
    return [problem(path, { code: 'PKI_CERTIFICATE_EXPIRES_SOON', severity: 'info', message, hint: renew })];
  }
  return [];
}

const MISMATCHES: Readonly<Record<IssuerMismatch, string>> = {
  name: 'its issuer has another name',
  'key identifier': 'it names another key of its issuer',
  'serial number': 'it names another certificate of its issuer',
  signature: 'its signature is from another key',
};

function chainBreak(certificate: Certificate, ca: Certificate): string | undefined {
  const mismatch = findIssuerMismatch(certificate, ca);
  return mismatch === undefined ? undefined : MISMATCHES[mismatch];
}

/** Tells whether one of `bundle` signed `certificate`; `undefined` when one did, otherwise why the first did not. */
function findChainBreak(certificate: Certificate, bundle: readonly Certificate[]): string | undefined {
  const breaks = bundle.map((ca) => chainBreak(certificate, ca));
  return breaks.includes(undefined) ? undefined : (breaks[0] ?? 'its authority has no certificate');
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
        message: `no CA of this cluster signed it (${reason}), and it claims ${foreign}, which this certificate never has`,
        hint: 'find out who wrote the file; restore it from a backup, or recreate it with `kubeadm init phase`',
        fixedBy: 'person',
      }),
    ];
  }
  return [
    problem(path, {
      code: 'PKI_CHAIN_BROKEN',
      message: `it was not signed by ${ca.definition.name} in ${ca.path}: ${reason}`,
      hint: 'renew it, so that this authority signs it',
    }),
  ];
}

/** Renewing a leaf keeps its extensions, and one that can sign would be a CA below the cluster's. */
function judgeCaRights(certificate: Certificate, path: string): Problem[] {
  if (!canSignCertificates(certificate)) return [];
  return [
    problem(path, {
      code: 'PKI_CERTIFICATE_INVALID',
      message: 'it can sign certificates (CA:TRUE or keyCertSign), which the certificate of a component never can',
      hint: 'find out who wrote the file; restore it from a backup, or recreate it with `kubeadm init phase`',
      fixedBy: 'person',
    }),
  ];
}

/** The names and usages that are demanded and that the certificate does not have. */
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
            message: `it is served on ${names.join(', ')} but does not name it`,
            hint: 'renew it; the missing names are added',
          }),
        ]),
    ...(usages.length === 0
      ? []
      : [
          problem(path, {
            code: 'PKI_USAGE_MISSING',
            message: `it is used as a ${usages.join(' and ')} certificate but its extended key usage forbids it`,
            hint: 'renew it; the missing usage is added',
          }),
        ]),
  ];
}

function judgeKey(entry: CertificateEntry, certificate: Certificate): Problem[] {
  const path = entry.keyPlace.path;
  if (!entry.key.ok) return [problemOf(entry.key.error, path, 'new-key')];
  if (isKeyOf(entry.key.value.key, certificate)) return [];
  return [
    problem(path, {
      code: 'PKI_KEY_MISMATCH',
      message: `the key belongs to another certificate than the one in ${entry.certificatePlace.path}`,
      hint: 'put the right one of the two back, or renew with new keys (`--new-keys`)',
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

/** Judges one certificate of an inventory at `now`. Pure; an empty list means that nothing is wrong with it. */
export function judgeCertificate(
  entry: CertificateEntry,
  inventory: Pick<CertificateInventory, 'cas'>,
  options: JudgementOptions,
): readonly Problem[] {
  const { path } = entry.certificatePlace;
  if (!entry.certificate.ok) return [problemOf(entry.certificate.error, path)];
  const certificate = entry.certificate.value;
  const ca = inventory.cas.find(({ id }) => id === entry.ca);
  const problems = [
    ...judgeDates(certificate, path, options),
    ...judgeCaRights(certificate, path),
    ...judgeChain(certificate, path, ca, entry.id),
    ...judgePurpose(entry, certificate, path),
    ...judgeKey(entry, certificate),
    ...judgeEmbedded(entry, options),
  ];
  if (entry.definition.home.in !== 'kubelet-self-signed') return problems;
  const hint = 'the kubelet makes a new pair when it starts without one';
  return problems.map((each) => ({ ...each, hint }));
}
