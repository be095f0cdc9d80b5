import { formatTime } from '@kube-rescue/errors';
import { hostPath } from '@kube-rescue/host';
import type { Edit, Step, StepId, Verdict } from '@kube-rescue/workflow';
import type { CertificateId } from '../inventory/catalogue.ts';
import { type FileFinding, type FilePlan, renderPlans, type RenewedFiles } from '../renewal/file-plan.ts';
import { planFileChange } from '../renewal/file-target.ts';
import type { RenewalOptions } from '../renewal/renewal-options.ts';
import { proveEdits } from '../renewal/written-content.ts';
import { planRenewals } from '../renewal/renewal-plans.ts';
import { type CertificateEntry, inspectCertificates, isRemoved } from '../inventory/inventory.ts';
import { judgeCertificate } from '../judgement/judgement.ts';
import { joinSubject } from '../judgement/problem.ts';
import { planRenewalChanges } from '../renewal/renewal-files.ts';
import { type AdoptionDeps, type AdoptionInput, judgeAdoption } from './adoption-input.ts';
import { findCaLocations, findUneditableCas } from './ca-locations.ts';
import { hasKey, isInstalled, renderAdoptedFile } from './leaf-files.ts';
import type { AdoptedLeaf } from './adoption.ts';
import type { CaLocation } from './trust-gaps.ts';

const CAS_STEP = 'adopt/authorities';

interface AdoptionPlan extends FilePlan {
  readonly id: StepId;
  readonly title: string;
  readonly requires: readonly StepId[];
  readonly verify: () => Promise<Verdict>;
}

function planCas(input: AdoptionInput, deps: AdoptionDeps): AdoptionPlan {
  const findLocations = async (): Promise<readonly CaLocation[]> => {
    const { host, clock } = deps;
    return findCaLocations(await judgeAdoption(input, deps), input.node, { host, now: clock.now() });
  };
  return {
    id: CAS_STEP,
    title: 'adopt the CAs of the certificate set',
    requires: [],
    check: async () => {
      const adoption = await judgeAdoption(input, deps);
      const evidence = [...adoption.evidence, ...(await findUneditableCas(adoption, input.node, deps))];
      const locations = await findLocations();
      if (locations.length === 0) {
        return { status: 'ok', summary: 'this node already trusts the CAs of the set', evidence, changes: [] };
      }
      const targets = [...new Set(locations.map(({ target }) => target))];
      const changes = await Promise.all(targets.map((target) => planFileChange(target, deps.host)));
      return { status: 'needed', summary: 'the set matches this node and has other CAs', evidence, changes };
    },
    render: async (changes) => {
      const locations = await findLocations();
      const edits = changes.map(async (change): Promise<Edit> => {
        let bytes = await deps.host.readFile(hostPath(change.target));
        for (const location of locations) if (location.target === change.target) bytes = location.render(bytes);
        return { change, material: bytes };
      });
      return Promise.all(edits);
    },
    verify: async (): Promise<Verdict> => {
      const [first] = await findLocations();
      if (first === undefined) return { verified: true, evidence: ['this node trusts every CA of the set'] };
      return { verified: false, reason: `${first.target} does not hold the CA of the set` };
    },
  };
}

async function findLeaf(id: CertificateId, input: AdoptionInput, deps: AdoptionDeps): Promise<AdoptedLeaf | undefined> {
  return (await judgeAdoption(input, deps)).leaves.find(({ entry }) => entry.id === id);
}

function planLeaf(entry: CertificateEntry, input: AdoptionInput, deps: AdoptionDeps): AdoptionPlan {
  const { id, definition } = entry;
  return {
    id: `adopt/leaf/${id}`,
    title: `adopt the ${definition.name}`,
    requires: [CAS_STEP],
    check: async () => {
      const leaf = await findLeaf(id, input, deps);
      if (leaf === undefined || isInstalled(leaf)) {
        const summary =
          leaf === undefined ? 'the certificate in use stays' : 'the certificate of the set is installed already';
        return { status: 'ok', summary: `${definition.name}: ${summary}`, evidence: [], changes: [] };
      }
      const changes = await planRenewalChanges(
        leaf.entry,
        { newKeys: !hasKey(leaf), now: deps.clock.now() },
        deps.host,
      );
      const until = formatTime(leaf.certificate.notAfter);
      const summary = `${definition.name} comes from the set and is valid until ${until}`;
      return { status: 'needed', summary, evidence: [`from ${leaf.path}`], changes };
    },
    render: async (changes) => {
      const leaf = await findLeaf(id, input, deps);
      if (leaf === undefined) throw new Error(`${id} is gone from the set`);
      const edits = changes.map(async (change): Promise<Edit> => {
        if (change.kind !== 'file.replace') return { change };
        return { change, material: await renderAdoptedFile(leaf, hostPath(change.target), deps.host) };
      });
      return Promise.all(edits);
    },
    verify: async (): Promise<Verdict> => {
      const inventory = await inspectCertificates({ ...input.node, only: [id, ...entry.alsoServesAs] }, deps);
      const present = inventory.certificates.find((each) => each.id === id);
      const [problem] =
        present === undefined
          ? []
          : judgeCertificate(present, inventory, { now: deps.clock.now(), expiringWithinDays: 0 });
      const leaf = await findLeaf(id, input, deps);
      if (problem !== undefined) return { verified: false, reason: joinSubject(problem.subject, problem.message) };
      if (leaf !== undefined && !isInstalled(leaf))
        return { verified: false, reason: `${definition.name} is not the certificate of the set` };
      return { verified: true, evidence: [`${entry.certificateLocation.path} holds the certificate of the set`] };
    },
  };
}

async function planAdoption(input: AdoptionInput, deps: AdoptionDeps): Promise<readonly AdoptionPlan[]> {
  await judgeAdoption(input, deps);
  const { certificates } = await inspectCertificates(input.node, deps);
  const leaves = certificates.filter((entry) => entry.ca !== undefined && !isRemoved(entry));
  return [planCas(input, deps), ...leaves.map((entry) => planLeaf(entry, input, deps))];
}

/**
 * Steps that install a certificate set from elsewhere: first the CAs, then one step for each
 * certificate. Where the set replaces a CA that has not expired, kubeconfigs trust both from then on, and so do files
 * as long as a certificate of the old one stays in use.
 *
 * Every check matches the whole set with the whole node, and refuses an unfit set before a write. Certificates of the set
 * that this node does not use are ignored. Changes no object of the cluster and restarts nothing.
 * @throws PkiError `PKI_SET_UNFIT` with every reason at once; HostError when the node cannot be read
 */
export async function createAdoptionSteps(
  input: AdoptionInput,
  deps: AdoptionDeps,
): Promise<readonly Step<FileFinding>[]> {
  const plans = await planAdoption(input, deps);
  return plans.map(
    ({ render, ...plan }): Step<FileFinding> => ({
      ...plan,
      // A certificate of the set works only with the CA of the set.
      unit: 'adopt',
      reversible: 'yes',
      plan: ({ changes }) => changes,
      apply: async (changes, journal) => journal.perform(await proveEdits(await render(changes), deps.host)),
    }),
  );
}

/**
 * Adopts a set in memory, and renews self-signed certificates such as the kubelet's own pair: returns the new files. Reads
 * through `host` and writes nothing.
 *
 * @throws PkiError `PKI_SET_UNFIT` with every reason at once, `PKI_LIFETIME_INVALID` `PKI_NAME_INVALID`; HostError of the reader
 */
export async function adopt(
  input: AdoptionInput,
  options: RenewalOptions,
  { host, clock, signal }: AdoptionDeps & { readonly signal?: AbortSignal | undefined },
): Promise<RenewedFiles> {
  const inventory = await inspectCertificates(input.node, { host });
  const selfSigned = { ...inventory, certificates: inventory.certificates.filter(({ ca }) => ca === undefined) };
  return renderPlans(
    host,
    async (reader) => {
      const deps = { host: reader, clock };
      return [...(await planAdoption(input, deps)), ...planRenewals({ inventory: selfSigned, options }, deps)];
    },
    signal,
  );
}
