import { type Certificate, isSameCertificate } from '@kube-rescue/x509';
import type { CaId } from '../inventory/catalogue.ts';
import type { CertificateEntry, CertificateInventory } from '../inventory/inventory.ts';
import { type Candidate, type CandidateContext, chooseByRule, chooseBySubject } from './candidates.ts';
import type { CertificateSet } from './certificate-set.ts';
import type { AdoptionRules } from './adoption.ts';

/** The candidate for each certificate of the node: by its subject, or else by the rule of its verifiers. */
export function chooseCandidates(
  entries: readonly CertificateEntry[],
  set: CertificateSet,
  inventory: CertificateInventory,
  now: Date,
  rules: AdoptionRules,
): ReadonlyMap<CertificateEntry, Candidate> {
  const bundleOf = (id: CaId | undefined): readonly Certificate[] => {
    const bundle = inventory.cas.find((each) => each.id === id)?.bundle;
    return bundle?.ok === true ? bundle.value : [];
  };
  const present = inventory.cas.flatMap(({ id }) => bundleOf(id));
  const known = [
    ...set.certificates.flatMap(({ certificate }) => (certificate.x509.ca ? certificate : [])),
    ...present,
  ];
  const contextOf = (entry: CertificateEntry): CandidateContext => {
    const anchors = bundleOf(entry.ca);
    const trusted = rules.keepCas === true ? anchors : known;
    return { set, known: trusted, anchors, now, keepEverything: rules.keepEverything === true };
  };
  const chosen = new Map<CertificateEntry, Candidate>();
  for (const entry of entries) {
    const candidate = chooseBySubject(entry, contextOf(entry));
    if (candidate !== undefined) chosen.set(entry, candidate);
  }
  const isFit = ({ flaws, key }: Candidate): boolean => flaws.length === 0 && key !== undefined;
  const rootsOf = (id: CaId | undefined): readonly Certificate[] =>
    [...chosen].flatMap(([entry, each]) => (entry.ca === id && isFit(each) ? (each.chain.at(-1) ?? []) : []));
  const holds = (list: readonly Certificate[], one: Certificate): boolean =>
    list.some((each) => isSameCertificate(each, one));
  for (const entry of entries) {
    const bySubject = chosen.get(entry);
    if (bySubject !== undefined && isFit(bySubject)) continue;
    // A CA of the set that signs for another purpose here does not sign for this one.
    const others = inventory.cas.filter(
      ({ id }) => id !== entry.ca && !bundleOf(id).some((each) => holds(bundleOf(entry.ca), each)),
    );
    const mayBeRoot = (root: Certificate): boolean => {
      const roots = rootsOf(entry.ca);
      if (roots.length > 0) return holds(roots, root);
      return (
        holds(bundleOf(entry.ca), root) || others.every(({ id }) => !holds([...rootsOf(id), ...bundleOf(id)], root))
      );
    };
    // Clients of one server may share a certificate, and so may its listeners; a client never gets one of a listener.
    const isClient = entry.names.length === 0;
    const isTaken = (leaf: Certificate): boolean =>
      [...chosen].some(([other, each]) => {
        const isShared = each.rule !== undefined && (other.names.length === 0) === isClient;
        return !isShared && isFit(each) && isSameCertificate(each.certificate, leaf);
      });
    const byRule = chooseByRule(entry, inventory, contextOf(entry), { mayBeRoot, isTaken });
    if (byRule !== undefined) chosen.set(entry, byRule);
  }
  return chosen;
}
