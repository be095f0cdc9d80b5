import {
  allowsUsage,
  buildChain,
  type Certificate,
  detailCertificate,
  isKeyOf,
  isSameCertificate,
  isSamePublicKey,
} from '@kube-rescue/x509';
import type { KeyObject } from 'node:crypto';
import { type CaEntry, holdsOneCertificate } from '../inventory/ca-inventory.ts';
import { signingCertificate } from '../judgement/ca-judgement.ts';
import type { CaId, CertificateId } from '../inventory/catalogue.ts';
import { PkiError } from '../errors.ts';
import type { CertificateEntry, CertificateInventory } from '../inventory/inventory.ts';
import { findShortfall, judgeCertificate } from '../judgement/judgement.ts';
import type { CertificateSet, SetCertificate } from './certificate-set.ts';

/** A certificate of a set that takes the place of one of the node's. */
export interface AdoptedLeaf {
  readonly entry: CertificateEntry;
  readonly certificate: Certificate;
  /** The authorities between it and the one above all, nearest first. */
  readonly intermediates: readonly Certificate[];
  readonly key: KeyObject;
  /** Where in the set it was. */
  readonly path: string;
}

/** An authority of a set that the node is to trust, and to sign with. */
export interface AdoptedCa {
  readonly ca: CaEntry;
  readonly certificate: Certificate;
  /** `undefined` when the set does not have it. */
  readonly key: KeyObject | undefined;
  /** Every certificate of the authority comes from the set, so that nothing of the old one is left in use. */
  readonly isComplete: boolean;
}

/** What of a set goes where on this node. */
export interface Adoption {
  readonly leaves: readonly AdoptedLeaf[];
  readonly cas: readonly AdoptedCa[];
  /** The authority that the certificates of each kind come from afterwards, new to this node or not. */
  readonly roots: ReadonlyMap<CaId, Certificate>;
  /** For people: what the set is, and which stage of a rotation the node is in. */
  readonly evidence: readonly string[];
}

/** How strictly a set is judged. */
export interface AdoptionRules {
  /** A certificate must name and allow whatever the one in use names and allows. Default: only what is needed here. */
  readonly keepEverything?: boolean | undefined;
  /** Certificates that the set lacks stay as they are, good or bad. Default: false. */
  readonly mayBePartial?: boolean | undefined;
  /** Certificates that stay as they are while nothing is wrong with them, whatever the set has. Default: none. */
  readonly keepGood?: readonly CertificateId[] | undefined;
  /** The authorities of the node are the only ones; others in the set are not adopted. Default: false. */
  readonly keepCas?: boolean | undefined;
}

/** Attributes of a subject whatever their order and encoding. */
function subjectKey({ x509 }: Certificate): string {
  return ((x509.subject as string | undefined) ?? '').split('\n').toSorted().join('\n');
}

interface Candidate extends SetCertificate {
  readonly key: KeyObject | undefined;
  readonly chain: readonly Certificate[];
  readonly flaws: readonly string[];
}

interface Context {
  readonly set: CertificateSet;
  /** Every authority that chains may run through. */
  readonly known: readonly Certificate[];
  /** Those that this node believes, whoever signed them. */
  readonly anchors: readonly Certificate[];
  readonly now: Date;
  readonly rules: AdoptionRules;
}

/** What a certificate names and allows and another does not. */
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
  { set, known, anchors, now, rules }: Context,
): Candidate {
  const flaws: string[] = [];
  const { notBefore, notAfter } = certificate;
  if (now > notAfter) flaws.push(`expired on ${notAfter.toISOString()}`);
  if (now < notBefore) flaws.push(`is not valid before ${notBefore.toISOString()}`);
  const { names, usages } = findShortfall(certificate, entry);
  if (names.length > 0) flaws.push(`does not name ${names.join(', ')}`);
  if (usages.length > 0) flaws.push(`must not be used as a ${usages.join(' and ')} certificate`);
  const lost =
    rules.keepEverything === true && entry.certificate.ok ? findLost(certificate, entry.certificate.value, now) : [];
  if (lost.length > 0) flaws.push(`lost ${lost.join(', ')} of the one in use`);
  const own = set.keys.find(({ key }) => isKeyOf(key, certificate))?.key;
  const present = entry.key.ok && isKeyOf(entry.key.value.key, certificate) ? entry.key.value.key : undefined;
  if (own === undefined && present === undefined) flaws.push('has no key in the set');
  const holds = (each: Certificate): boolean => now <= each.notAfter && now >= each.notBefore;
  const { certificates, flaw } = buildChain(certificate, known.filter(holds), anchors.filter(holds));
  if (flaw !== undefined) flaws.push(`has no good chain: ${flaw}`);
  else if (certificates.length < 2) flaws.push('signed itself');
  return { path, certificate, key: own ?? present, chain: certificates.slice(1), flaws };
}

/** One that may be used as a server as well as a client is not what a client needs, as long as there is another. */
function isUsedAlike(present: Certificate, candidate: Certificate): boolean {
  const usages = ['server', 'client'] as const;
  return usages.every((usage) => allowsUsage(present, usage) === allowsUsage(candidate, usage));
}

/** Fit before unfit; then the one that is used alike; then the one with the key in use, then the one that lives longest, then by name so that it is the same again. */
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

/** Why the node's own certificate can stay although the set has none for it, or why it cannot. */
function judgeRemaining(
  entry: CertificateEntry,
  inventory: CertificateInventory,
  adopted: ReadonlyMap<CaId, Certificate>,
  now: Date,
): string | undefined {
  const problem = judgeCertificate(entry, inventory, { now, expiringWithinDays: 0 })[0];
  if (problem !== undefined) return problem.message;
  const ca = entry.ca === undefined ? undefined : adopted.get(entry.ca);
  if (ca === undefined || !entry.certificate.ok) return undefined;
  const present = inventory.cas.find(({ id }) => id === entry.ca);
  const current = present && signingCertificate(present);
  // The old authority stays trusted beside the new one until it expires, where its file may hold two.
  const isAlone = present !== undefined && holdsOneCertificate(present.path, inventory.input.components);
  const isTrusted = current !== undefined && now <= current.notAfter && !isAlone;
  return isTrusted || entry.certificate.value.x509.verify(ca.x509.publicKey)
    ? undefined
    : 'its authority is replaced, and trusted no longer';
}

function chooseLeaf(entry: CertificateEntry, context: Context): Candidate | undefined {
  if (!entry.certificate.ok) return undefined;
  const subject = subjectKey(entry.certificate.value);
  const same = context.set.certificates.filter(
    ({ certificate }) => !certificate.x509.ca && subjectKey(certificate) === subject,
  );
  return same.map((each) => judgeCandidate(each, entry, context)).toSorted(compareCandidates(entry))[0];
}

function signsHere({ definition }: CaEntry, { input }: CertificateInventory): boolean {
  return definition.keyFlags.some(({ component, flag }) =>
    input.components.some((each) => each.component === component && each.flags.has(flag)),
  );
}

const UNFIT_HINT = 'nothing was changed; complete the set, or make it anew for this node, then try again';

/**
 * Matches a set with a node: which of its certificates is which of the node's (by subject, usages, names, key and chain),
 * and which of its authorities the node must trust. Pure.
 *
 * @throws PkiError `PKI_SET_UNFIT` with every reason at once
 */
export function judgeCertificateSet(
  set: CertificateSet,
  inventory: CertificateInventory,
  now: Date,
  rules: AdoptionRules = {},
): Adoption {
  const reasons: string[] = [...set.damaged];
  const cas = set.certificates.filter(({ certificate }) => certificate.x509.ca);
  const present = inventory.cas.flatMap(({ bundle }) => (bundle.ok ? bundle.value : []));
  const known = [...cas.map(({ certificate }) => certificate), ...present];
  if (set.certificates.length === 0) reasons.push('it holds no certificate');

  const entries = inventory.certificates.filter(({ ca }) => ca !== undefined);
  const leaves: AdoptedLeaf[] = [];
  const missing: CertificateEntry[] = [];
  const adopted = new Map<CaId, Certificate>();
  for (const entry of entries) {
    const { name } = entry.definition;
    const own = inventory.cas.find(({ id }) => id === entry.ca)?.bundle;
    const anchors = own?.ok === true ? own.value : [];
    const believed = rules.keepCas === true ? anchors : known;
    const isGood = judgeCertificate(entry, inventory, { now, expiringWithinDays: 0 }).length === 0;
    const stays = isGood && rules.keepGood?.includes(entry.id) === true;
    const candidate = stays ? undefined : chooseLeaf(entry, { set, known: believed, anchors, now, rules });
    if (candidate === undefined) {
      missing.push(entry);
      continue;
    }
    if (candidate.flaws.length > 0 || candidate.key === undefined) {
      reasons.push(`${name} in ${candidate.path} ${candidate.flaws.join(', ')}`);
      continue;
    }
    const { certificate, key, path, chain } = candidate;
    leaves.push({ entry, certificate, key, path, intermediates: chain.slice(0, -1) });
    const root = chain.at(-1);
    if (root === undefined || entry.ca === undefined) continue;
    const other = adopted.get(entry.ca);
    if (other !== undefined && !isSameCertificate(other, root)) {
      reasons.push(`${name} in ${path} comes from another authority than its fellows`);
    }
    adopted.set(entry.ca, root);
  }
  for (const entry of rules.mayBePartial === true ? [] : missing) {
    const reason = judgeRemaining(entry, inventory, adopted, now);
    if (reason === undefined) continue;
    const subject = entry.certificate.ok ? ` (${entry.certificate.value.x509.subject.replaceAll('\n', ', ')})` : '';
    reasons.push(`there is none for ${entry.definition.name}${subject}, and the one in use cannot stay: ${reason}`);
  }
  const replaced = [...adopted].flatMap(([id, certificate]): AdoptedCa[] => {
    const authority = inventory.cas.find((each) => each.id === id);
    const isKnown =
      authority?.bundle.ok === true && authority.bundle.value.some((each) => isSameCertificate(each, certificate));
    if (authority === undefined || isKnown) return [];
    const key = set.keys.find((each) => isKeyOf(each.key, certificate))?.key;
    const isOurs = authority.issuer.ok && isKeyOf(authority.issuer.value.key, certificate);
    if (key === undefined && !isOurs && signsHere(authority, inventory)) {
      reasons.push(`the key of ${authority.definition.name} is not in it, and kube-controller-manager signs with that`);
    }
    const isComplete = entries.every((entry) => entry.ca !== id || leaves.some((leaf) => leaf.entry.id === entry.id));
    return [{ ca: authority, certificate, key, isComplete }];
  });
  if (leaves.length === 0 && reasons.length === 0) reasons.push('none of its certificates is one of this node');
  if (reasons.length > 0) {
    throw new PkiError({
      code: 'PKI_SET_UNFIT',
      message: `the set does not fit this node: ${reasons.join('; ')}`,
      subject: set.path,
      hint: UNFIT_HINT,
    });
  }
  const evidence = describeSet(set, { leaves, cas: replaced }, inventory);
  return { leaves, cas: replaced, roots: adopted, evidence };
}

/** Which stage of a rotation something is in, by the authorities that it trusts. */
function stageOf(trusted: readonly Certificate[], { cas }: Pick<Adoption, 'cas'>): string {
  const isNew = (certificate: Certificate): boolean =>
    cas.some((adopted) => isSameCertificate(adopted.certificate, certificate));
  const news = trusted.filter(isNew).length;
  if (news === 0) return 'trusts none of the new authorities';
  return news === trusted.length ? 'trusts the new authority alone' : 'trusts the new authority beside another';
}

function describeSet(
  set: CertificateSet,
  adoption: Pick<Adoption, 'leaves' | 'cas'>,
  inventory: CertificateInventory,
): readonly string[] {
  const { leaves, cas } = adoption;
  const lines = [
    ...cas.map(({ ca, certificate }) => {
      const name = certificate.x509.subject.replaceAll('\n', ', ');
      return `${ca.definition.name} becomes ${name}, serial ${certificate.x509.serialNumber}`;
    }),
    ...leaves.map(({ entry, path }) => `${entry.definition.name} comes from ${path}`),
  ];
  if (cas.length === 0) return lines;
  const node = inventory.cas.flatMap(({ bundle }) => (bundle.ok ? bundle.value : []));
  return [
    ...lines,
    `this node ${stageOf(node, adoption)}`,
    ...set.kubeconfigs.map(({ path, trusts }) => `the kubeconfig ${path} ${stageOf(trusts, adoption)}`),
  ];
}
