import { type Certificate, isKeyOf, isSameCertificate } from '@kube-rescue/x509';
import { type CaEntry, holdsOneCertificate } from '../inventory/ca-inventory.ts';
import { signingCertificate } from '../judgement/ca-judgement.ts';
import type { CaId } from '../inventory/catalogue.ts';
import { PkiError } from '../errors.ts';
import { type CertificateEntry, type CertificateInventory, isRemoved } from '../inventory/inventory.ts';
import { judgeCertificate } from '../judgement/judgement.ts';
import type { AdoptedCa, AdoptedLeaf, Adoption, AdoptionRules } from './adoption.ts';
import { chooseCandidates } from './candidate-choice.ts';
import type { CertificateSet } from './certificate-set.ts';
import { describeSet } from './set-description.ts';

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

function signsHere({ definition }: CaEntry, { input }: CertificateInventory): boolean {
  return definition.keyFlags.some(({ component, flag }) =>
    input.components.some((each) => each.component === component && each.flags.has(flag)),
  );
}

const UNFIT_HINT = 'nothing was changed; complete the set or generate it again for this node, then retry';

/**
 * Matches a set with a node: its certificates with those of the node (by subject or by what their verifiers judge instead;
 * by usages, names, key and chain), and its CAs with those that the node must trust. A damaged file is passed over and named
 * while the set is complete without it. Pure.
 *
 * @throws PkiError `PKI_SET_UNFIT` with every reason at once
 */
export function judgeCertificateSet(
  set: CertificateSet,
  inventory: CertificateInventory,
  now: Date,
  rules: AdoptionRules = {},
): Adoption {
  const reasons: string[] = [];
  if (set.certificates.length === 0) reasons.push('it holds no certificate');

  const entries = inventory.certificates.filter((entry) => entry.ca !== undefined && !isRemoved(entry));
  const replaceable = entries.filter((entry) => {
    const isGood = judgeCertificate(entry, inventory, { now, expiringWithinDays: 0 }).length === 0;
    return !isGood || rules.keepGood?.includes(entry.id) !== true;
  });
  const candidates = chooseCandidates(replaceable, set, inventory, now, rules);
  const leaves: AdoptedLeaf[] = [];
  const missing: CertificateEntry[] = [];
  const adopted = new Map<CaId, Certificate>();
  for (const entry of entries) {
    const { name } = entry.definition;
    const candidate = candidates.get(entry);
    if (candidate === undefined) {
      missing.push(entry);
      continue;
    }
    if (candidate.flaws.length > 0 || candidate.key === undefined) {
      reasons.push(`${name} in ${candidate.path} ${candidate.flaws.join(', ')}`);
      continue;
    }
    const { certificate, key, path, chain, rule } = candidate;
    leaves.push({ entry, certificate, key, path, rule, intermediates: chain.slice(0, -1) });
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
      message: 'the certificate set does not match this node',
      reasons: [...reasons, ...set.damaged],
      subject: set.path,
      hint: UNFIT_HINT,
    });
  }
  const evidence = describeSet(set, { leaves, cas: replaced }, inventory);
  return { leaves, cas: replaced, roots: adopted, evidence };
}
