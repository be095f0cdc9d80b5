import { hostPath } from '@kube-rescue/host';
import type { Change, Edit, Finding, Step, Verdict } from '@kube-rescue/workflow';
import type { CertificateId } from '../inventory/catalogue.ts';
import { planFileChange } from '../renewal/file-target.ts';
import { type CertificateEntry, inspectCertificates } from '../inventory/inventory.ts';
import { judgeCertificate } from '../judgement/judgement.ts';
import { planRenewalChanges } from '../renewal/renewal-files.ts';
import { type AdoptionDeps, type AdoptionInput, judgeAdoption } from './adoption-input.ts';
import { findCaLocations } from './ca-locations.ts';
import { hasKey, isInstalled, renderAdoptedFile } from './leaf-files.ts';
import type { AdoptedLeaf } from './set-judgement.ts';
import type { CaLocation } from './trust-gaps.ts';

const AUTHORITIES_STEP = 'adopt/authorities';

interface AdoptionFinding extends Finding {
  readonly changes: readonly Change[];
}

function createCasStep(input: AdoptionInput, deps: AdoptionDeps): Step<AdoptionFinding> {
  const findPlaces = async (): Promise<readonly CaLocation[]> => {
    const { host, clock } = deps;
    return findCaLocations(await judgeAdoption(input, deps), input.node, { host, now: clock.now() });
  };
  return {
    id: AUTHORITIES_STEP,
    title: 'adopt the authorities of the set',
    requires: [],
    reversible: 'yes',
    check: async () => {
      const { evidence } = await judgeAdoption(input, deps);
      const places = await findPlaces();
      if (places.length === 0) {
        return { status: 'ok', summary: 'this node trusts the authorities of the set already', evidence, changes: [] };
      }
      const targets = [...new Set(places.map(({ target }) => target))];
      const changes = await Promise.all(targets.map((target) => planFileChange(target, deps.host)));
      return { status: 'needed', summary: `the set fits this node, and brings other authorities`, evidence, changes };
    },
    plan: ({ changes }) => changes,
    apply: async (changes, journal) => {
      const places = await findPlaces();
      const edits = changes.map(async (change): Promise<Edit> => {
        let bytes = await deps.host.readFile(hostPath(change.target));
        for (const place of places) if (place.target === change.target) bytes = place.render(bytes);
        return { change, material: bytes };
      });
      await journal.perform(await Promise.all(edits));
    },
    verify: async (): Promise<Verdict> => {
      const [first] = await findPlaces();
      if (first === undefined)
        return { verified: true, evidence: ['every authority of the set is trusted by this node'] };
      return { verified: false, reason: `${first.target} does not hold the authority of the set` };
    },
  };
}

async function findLeaf(id: CertificateId, input: AdoptionInput, deps: AdoptionDeps): Promise<AdoptedLeaf | undefined> {
  return (await judgeAdoption(input, deps)).leaves.find(({ entry }) => entry.id === id);
}

function createLeafStep(entry: CertificateEntry, input: AdoptionInput, deps: AdoptionDeps): Step<AdoptionFinding> {
  const { id, definition } = entry;
  return {
    id: `adopt/leaf/${id}`,
    title: `adopt ${definition.name}`,
    requires: [AUTHORITIES_STEP],
    reversible: 'yes',
    check: async () => {
      const leaf = await findLeaf(id, input, deps);
      if (leaf === undefined || isInstalled(leaf)) {
        const summary = leaf === undefined ? 'the one in use stays' : 'it is the one of the set already';
        return { status: 'ok', summary: `${definition.name}: ${summary}`, evidence: [], changes: [] };
      }
      const changes = await planRenewalChanges(
        leaf.entry,
        { newKeys: !hasKey(leaf), now: deps.clock.now() },
        deps.host,
      );
      const until = leaf.certificate.notAfter.toISOString();
      const summary = `${definition.name} comes from the set, valid until ${until}`;
      return { status: 'needed', summary, evidence: [`from ${leaf.path}`], changes };
    },
    plan: ({ changes }) => changes,
    apply: async (changes, journal) => {
      const leaf = await findLeaf(id, input, deps);
      if (leaf === undefined) throw new Error(`${id} is gone from the set`);
      const edits = changes.map(async (change): Promise<Edit> => {
        if (change.kind !== 'file.replace') return { change };
        return { change, material: await renderAdoptedFile(leaf, hostPath(change.target), deps.host) };
      });
      await journal.perform(await Promise.all(edits));
    },
    verify: async (): Promise<Verdict> => {
      const inventory = await inspectCertificates({ ...input.node, only: [id, ...entry.alsoServesAs] }, deps);
      const present = inventory.certificates.find((each) => each.id === id);
      const [problem] =
        present === undefined
          ? []
          : judgeCertificate(present, inventory, { now: deps.clock.now(), expiringWithinDays: 0 });
      const leaf = await findLeaf(id, input, deps);
      if (problem !== undefined) return { verified: false, reason: `${problem.subject}: ${problem.message}` };
      if (leaf !== undefined && !isInstalled(leaf))
        return { verified: false, reason: `${definition.name} is not the one of the set` };
      return { verified: true, evidence: [`${entry.certificatePlace.path} holds the certificate of the set`] };
    },
  };
}

/**
 * Steps that install a set of certificates which somebody else has made: first the authorities, then one step for each
 * certificate. Where the set replaces an authority that has not expired, kubeconfigs trust both from then on, and so do files
 * as long as a certificate of the old one stays in use.
 *
 * Every look judges the whole set against the whole node, and an unfit one is refused before anything is written. What is in
 * the set and not on this node is left alone. Changes no object of the cluster and restarts nothing.
 * @throws PkiError `PKI_SET_UNFIT` with every reason at once; HostError when the node cannot be read
 */
export async function createAdoptionSteps(
  input: AdoptionInput,
  deps: AdoptionDeps,
): Promise<readonly Step<AdoptionFinding>[]> {
  await judgeAdoption(input, deps);
  const { certificates } = await inspectCertificates(input.node, deps);
  const leaves = certificates.filter(({ ca }) => ca !== undefined);
  return [createCasStep(input, deps), ...leaves.map((entry) => createLeafStep(entry, input, deps))];
}
