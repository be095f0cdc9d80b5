import { formatTime } from '@kube-rescue/errors';
import {
  allowsUsage,
  buildChain,
  type Certificate,
  detailCertificate,
  findCaRight,
  isKeyOf,
  isSamePublicKey,
} from '@kube-rescue/x509';
import type { KeyObject } from 'node:crypto';
import type { CertificateEntry, CertificateInventory } from '../inventory/inventory.ts';
import { findShortfall } from '../judgement/judgement.ts';
import type { CertificateSet, SetCertificate } from './certificate-set.ts';
import { hasSameCommonName, subjectRuleOf } from './subject-rule.ts';

/** Attributes of a subject, independent of their order and encoding. */
function subjectKey({ x509 }: Certificate): string {
  return ((x509.subject as string | undefined) ?? '').split('\n').toSorted().join('\n');
}

/** A certificate of the set, judged for one place of the node. */
export interface Candidate extends SetCertificate {
  readonly key: KeyObject | undefined;
  readonly chain: readonly Certificate[];
  readonly flaws: readonly string[];
  /** The rule of its verifiers, in words, by which another subject will do; `undefined` when it has the subject of the one in use. */
  readonly rule?: string | undefined;
}

/** What candidates are judged against. */
export interface CandidateContext {
  readonly set: CertificateSet;
  /** Every CA that chains may run through. */
  readonly known: readonly Certificate[];
  /** CAs that this node trusts, even when another CA signed them. */
  readonly anchors: readonly Certificate[];
  readonly now: Date;
  readonly keepEverything: boolean;
}

/** Names and usages of the present certificate that the new one lacks. */
function findLost(certificate: Certificate, present: Certificate, now: Date): readonly string[] {
  const [next, before] = [detailCertificate(certificate, now), detailCertificate(present, now)];
  return [
    ...before.subjectAltNames.filter((name) => !next.subjectAltNames.includes(name)),
    ...before.extendedKeyUsage.filter((usage) => !next.extendedKeyUsage.includes(usage)),
  ];
}

function judgeCandidate(
  { path, certificate }: SetCertificate,
  entry: CertificateEntry,
  { set, known, anchors, now, keepEverything }: CandidateContext,
): Candidate {
  const flaws: string[] = [];
  const { notBefore, notAfter } = certificate;
  if (now > notAfter) flaws.push(`expired on ${formatTime(notAfter)}`);
  if (now < notBefore) flaws.push(`is not valid before ${formatTime(notBefore)}`);
  const { names, usages } = findShortfall(certificate, entry);
  if (names.length > 0) flaws.push(`does not name ${names.join(', ')}`);
  if (usages.length > 0) flaws.push(`does not allow use as a ${usages.join(' and ')} certificate`);
  const lost = keepEverything && entry.certificate.ok ? findLost(certificate, entry.certificate.value, now) : [];
  if (lost.length > 0) flaws.push(`lacks ${lost.join(', ')} of the certificate in use`);
  const right = findCaRight(certificate);
  if (right !== undefined) flaws.push(right);
  const own = set.keys.find(({ key }) => isKeyOf(key, certificate))?.key;
  const present = entry.key.ok && isKeyOf(entry.key.value.key, certificate) ? entry.key.value.key : undefined;
  if (own === undefined && present === undefined) flaws.push('has no private key in the set');
  const holds = (each: Certificate): boolean => now <= each.notAfter && now >= each.notBefore;
  const { certificates, flaw } = buildChain(certificate, known.filter(holds), anchors.filter(holds));
  if (flaw !== undefined) flaws.push(`has no valid chain: ${flaw}`);
  else if (certificates.length < 2) flaws.push('is self-signed');
  return { path, certificate, key: own ?? present, chain: certificates.slice(1), flaws };
}

/** A certificate for servers and clients does not match a client certificate while a better match exists. */
function isUsedAlike(present: Certificate, candidate: Certificate): boolean {
  const usages = ['server', 'client'] as const;
  return usages.every((usage) => allowsUsage(present, usage) === allowsUsage(candidate, usage));
}

/** Order: fewest flaws, same usages, the key in use, latest notAfter; then by path, so that the choice is stable. */
function compareCandidates(entry: CertificateEntry) {
  const present = entry.certificate.ok ? entry.certificate.value : undefined;
  const rank = ({ flaws, certificate }: Candidate): readonly number[] => [
    flaws.length,
    present !== undefined && isUsedAlike(present, certificate) ? 0 : 1,
    present !== undefined && isSamePublicKey(certificate, present) ? 0 : 1,
    -certificate.notAfter.getTime(),
  ];
  return (a: Candidate, b: Candidate): number => {
    const [left, right] = [rank(a), rank(b)];
    const at = left.findIndex((value, index) => value !== right[index]);
    return at === -1 ? a.path.localeCompare(b.path) : (left[at] ?? 0) - (right[at] ?? 0);
  };
}

/** The best certificate of the set with the subject of the one in use, flawed or not. */
export function chooseBySubject(entry: CertificateEntry, context: CandidateContext): Candidate | undefined {
  if (!entry.certificate.ok) return undefined;
  const subject = subjectKey(entry.certificate.value);
  const same = context.set.certificates.filter(
    ({ certificate }) => !certificate.x509.ca && subjectKey(certificate) === subject,
  );
  return same.map((each) => judgeCandidate(each, entry, context)).toSorted(compareCandidates(entry))[0];
}

/**
 * A certificate of another subject that the verifiers of the one in use would take as well: without a flaw, and of a CA for
 * which `mayBeRoot` holds. With the same common name, or the only one; else `undefined`, since a guess could hand out rights.
 */
export function chooseByRule(
  entry: CertificateEntry,
  inventory: CertificateInventory,
  context: CandidateContext,
  {
    mayBeRoot,
    isTaken,
  }: { readonly mayBeRoot: (ca: Certificate) => boolean; readonly isTaken: (leaf: Certificate) => boolean },
): Candidate | undefined {
  const present = entry.certificate.ok ? entry.certificate.value : undefined;
  if (present === undefined) return undefined;
  const { accepts, words } = subjectRuleOf(entry, inventory);
  const leaves = context.set.certificates.filter(
    ({ certificate }) => !certificate.x509.ca && !isTaken(certificate) && accepts(certificate),
  );
  const fit = leaves
    .map((each) => judgeCandidate(each, entry, context))
    .filter(({ flaws, key, chain }) => {
      const root = chain.at(-1);
      return flaws.length === 0 && key !== undefined && root !== undefined && mayBeRoot(root);
    })
    .toSorted(compareCandidates(entry));
  const named = fit.find(({ certificate }) => hasSameCommonName(certificate, present));
  const [first] = fit;
  const isOnly =
    first !== undefined && fit.every(({ certificate }) => subjectKey(certificate) === subjectKey(first.certificate));
  const chosen = named ?? (isOnly ? first : undefined);
  return chosen && { ...chosen, rule: words };
}
