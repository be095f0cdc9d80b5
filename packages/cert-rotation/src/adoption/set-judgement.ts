import {
  allowsUsage,
  buildChain,
  type Certificate,
  detailCertificate,
  findCaRight,
  isKeyOf,
  isSameCertificate,
  isSamePublicKey,
} from '@kube-rescue/x509';
import type { KeyObject } from 'node:crypto';
import { type CaEntry, holdsOneCertificate } from '../inventory/ca-inventory.ts';
import { signingCertificate } from '../judgement/ca-judgement.ts';
import type { CaId, CertificateId } from '../inventory/catalogue.ts';
import { formatTime } from '@kube-rescue/errors';
import { PkiError } from '../errors.ts';
import type { CertificateEntry, CertificateInventory } from '../inventory/inventory.ts';
import { findShortfall, judgeCertificate } from '../judgement/judgement.ts';
import type { CertificateSet, SetCertificate } from './certificate-set.ts';

/** A certificate of a set that replaces one of the node's. */
export interface AdoptedLeaf {
  readonly entry: CertificateEntry;
  readonly certificate: Certificate;
  /** Intermediate CAs, nearest first. */
  readonly intermediates: readonly Certificate[];
  readonly key: KeyObject;
  /** Its location in the set. */
  readonly path: string;
}

/** A CA of a set that the node must trust, and sign with. */
export interface AdoptedCa {
  readonly ca: CaEntry;
  readonly certificate: Certificate;
  /** `undefined` when the set lacks it. */
  readonly key: KeyObject | undefined;
  /** Every certificate of the CA comes from the set, so that no certificate of the old CA stays in use. */
  readonly isComplete: boolean;
}

/** The certificates and CAs of a set that this node adopts. */
export interface Adoption {
  readonly leaves: readonly AdoptedLeaf[];
  readonly cas: readonly AdoptedCa[];
  /** The issuing CA of each kind of certificate after the adoption, new to this node or not. */
  readonly roots: ReadonlyMap<CaId, Certificate>;
  /** Lines for the operator: the content of the set, and the node's stage of a rotation. */
  readonly evidence: readonly string[];
}

/** The strictness of the checks of a set. */
export interface AdoptionRules {
  /** A certificate must have every name and usage of the certificate in use. Default: only what this node needs. */
  readonly keepEverything?: boolean | undefined;
  /** Certificates that the set lacks stay as they are, valid or not. Default: false. */
  readonly mayBePartial?: boolean | undefined;
  /** Certificates that stay as they are while they have no problem, even when the set has another. Default: none. */
  readonly keepGood?: readonly CertificateId[] | undefined;
  /** Only the CAs of the node count; other CAs in the set are not adopted. Default: false. */
  readonly keepCas?: boolean | undefined;
}

/** Attributes of a subject, independent of their order and encoding. */
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
  /** Every CA that chains may run through. */
  readonly known: readonly Certificate[];
  /** CAs that this node trusts, even when another CA signed them. */
  readonly anchors: readonly Certificate[];
  readonly now: Date;
  readonly rules: AdoptionRules;
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
  { set, known, anchors, now, rules }: Context,
): Candidate {
  const flaws: string[] = [];
  const { notBefore, notAfter } = certificate;
  if (now > notAfter) flaws.push(`expired on ${formatTime(notAfter)}`);
  if (now < notBefore) flaws.push(`is not valid before ${formatTime(notBefore)}`);
  const { names, usages } = findShortfall(certificate, entry);
  if (names.length > 0) flaws.push(`does not name ${names.join(', ')}`);
  if (usages.length > 0) flaws.push(`does not allow use as a ${usages.join(' and ')} certificate`);
  const lost =
    rules.keepEverything === true && entry.certificate.ok ? findLost(certificate, entry.certificate.value, now) : [];
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

/** Why the node must replace its own certificate, which the set lacks; `undefined` when it can stay. */
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
  // The old CA stays trusted beside the new one until it expires, if its file may hold two.
  const isAlone = present !== undefined && holdsOneCertificate(present.path, inventory.input.components);
  const isTrusted = current !== undefined && now <= current.notAfter && !isAlone;
  return isTrusted || entry.certificate.value.x509.verify(ca.x509.publicKey)
    ? undefined
    : 'its CA is replaced and no longer trusted';
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

const UNFIT_HINT = 'nothing was changed; complete the set or generate it again for this node, then retry';

/**
 * Matches a set with a node: its certificates with those of the node (by subject, usages, names, key and chain),
 * and its CAs with those that the node must trust. Pure.
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
    const trusted = rules.keepCas === true ? anchors : known;
    const isGood = judgeCertificate(entry, inventory, { now, expiringWithinDays: 0 }).length === 0;
    const stays = isGood && rules.keepGood?.includes(entry.id) === true;
    const candidate = stays ? undefined : chooseLeaf(entry, { set, known: trusted, anchors, now, rules });
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
      reasons.push(`${name} in ${path} comes from another CA than the other certificates of the set`);
    }
    adopted.set(entry.ca, root);
  }
  for (const entry of rules.mayBePartial === true ? [] : missing) {
    const reason = judgeRemaining(entry, inventory, adopted, now);
    if (reason === undefined) continue;
    const subject = entry.certificate.ok ? ` (${entry.certificate.value.x509.subject.replaceAll('\n', ', ')})` : '';
    reasons.push(`the set has no ${entry.definition.name}${subject}, and the present one cannot stay: ${reason}`);
  }
  const replaced = [...adopted].flatMap(([id, certificate]): AdoptedCa[] => {
    const ca = inventory.cas.find((each) => each.id === id);
    const isKnown = ca?.bundle.ok === true && ca.bundle.value.some((each) => isSameCertificate(each, certificate));
    if (ca === undefined || isKnown) return [];
    const key = set.keys.find((each) => isKeyOf(each.key, certificate))?.key;
    const isOurs = ca.issuer.ok && isKeyOf(ca.issuer.value.key, certificate);
    if (key === undefined && !isOurs && signsHere(ca, inventory)) {
      reasons.push(
        `the key of the ${ca.definition.name} is missing from the set, and kube-controller-manager signs with it`,
      );
    }
    const isComplete = entries.every((entry) => entry.ca !== id || leaves.some((leaf) => leaf.entry.id === entry.id));
    return [{ ca, certificate, key, isComplete }];
  });
  if (leaves.length === 0 && reasons.length === 0) reasons.push('no certificate of the set belongs to this node');
  if (reasons.length > 0) {
    throw new PkiError({
      code: 'PKI_SET_UNFIT',
      message: `the certificate set does not match this node: ${reasons.join('; ')}`,
      subject: set.path,
      hint: UNFIT_HINT,
    });
  }
  const evidence = describeSet(set, { leaves, cas: replaced }, inventory);
  return { leaves, cas: replaced, roots: adopted, evidence };
}

/** The rotation stage of a node or kubeconfig, by its trusted CAs. */
function stageOf(trusted: readonly Certificate[], { cas }: Pick<Adoption, 'cas'>): string {
  const isNew = (certificate: Certificate): boolean =>
    cas.some((adopted) => isSameCertificate(adopted.certificate, certificate));
  const news = trusted.filter(isNew).length;
  if (news === 0) return 'trusts none of the new CAs';
  return news === trusted.length ? 'trusts the new CA alone' : 'trusts the new CA beside another';
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
      return `the ${ca.definition.name} becomes ${name}, serial ${certificate.x509.serialNumber}`;
    }),
    ...leaves.map(({ entry, path }) => `${entry.definition.name} comes from ${path}`),
  ];
  if (cas.length === 0) return lines;
  const node = inventory.cas.flatMap(({ bundle }) => (bundle.ok ? bundle.value : []));
  return [
    ...lines,
    `this node ${stageOf(node, adoption)}`,
    ...set.kubeconfigs.map(({ path, clusters }) => {
      const isNew = (certificate: Certificate): boolean =>
        cas.some((adopted) => isSameCertificate(adopted.certificate, certificate));
      const trusted = clusters.find((each) => each.some(isNew)) ?? clusters.flat();
      return `the kubeconfig ${path} ${stageOf(trusted, adoption)}`;
    }),
  ];
}
