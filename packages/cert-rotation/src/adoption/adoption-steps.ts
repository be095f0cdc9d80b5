import type { Clock, Host, HostPath } from '@kube-rescue/host';
import { hostPath } from '@kube-rescue/host';
import type { Change, Edit, Finding, Step, Verdict } from '@kube-rescue/workflow';
import { authorityKeyPath, holdsOneCertificate } from '../authority-inventory.ts';
import { signingCertificate } from '../authority-judgement.ts';
import type { CertificateId } from '../catalogue.ts';
import { isSameDer } from '../der.ts';
import { followLinks, planFileChange } from '../file-target.ts';
import { type CertificateEntry, inspectCertificates, type InspectionInput } from '../inventory.ts';
import { judgeCertificate } from '../judgement.ts';
import { encodePem } from '../pem.ts';
import { encodePrivateKey, isKeyOf, usualKeyLabel } from '../private-key.ts';
import { planRenewalChanges, renderRenewedFile } from '../renewal-files.ts';
import { findTrustPlaces, renderTrustPlace, type TrustPlace } from '../trust-places.ts';
import { readCertificateSet, type SetReader } from './certificate-set.ts';
import {
  type AdoptedAuthority,
  type AdoptedLeaf,
  type Adoption,
  type AdoptionRules,
  judgeCertificateSet,
} from './set-judgement.ts';

const AUTHORITIES_STEP = 'adopt/authorities';

interface AdoptionFinding extends Finding {
  readonly changes: readonly Change[];
}

export interface AdoptionInput {
  /** The folder of the set, and whose files it is among: those of the node, or of whoever calls. */
  readonly set: { readonly path: HostPath; readonly files: SetReader };
  readonly node: InspectionInput;
  /** Default: what is needed on this node must be there and good. */
  readonly rules?: AdoptionRules | undefined;
}

interface Deps {
  readonly host: Pick<Host, 'readFile' | 'readLink' | 'stat' | 'list'>;
  readonly clock: Clock;
}

/** The set and the node, both looked at afresh. */
async function lookAgain({ set, node, rules }: AdoptionInput, { host, clock }: Deps): Promise<Adoption> {
  const inventory = await inspectCertificates(node, { host });
  return judgeCertificateSet(await readCertificateSet(set.path, set.files), inventory, clock.now(), rules);
}

/** A file that an adopted authority goes into. */
interface AuthorityPlace {
  readonly target: HostPath;
  render(bytes: Uint8Array | undefined): Uint8Array;
}

async function findPlaces(
  { authority, certificate, key, isComplete }: AdoptedAuthority,
  { node }: AdoptionInput,
  { host, clock }: Deps,
): Promise<readonly AuthorityPlace[]> {
  const old = signingCertificate(authority);
  const now = clock.now();
  const found = old === undefined ? [] : await findTrustPlaces(old, { ...node, authorityPath: authority.path }, host);
  // The old authority is trusted beside the new one until it expires: what it signed may still be in use.
  const both = old !== undefined && now <= old.notAfter ? [certificate, old] : [certificate];
  const places = await Promise.all(
    found.map(async (place: TrustPlace): Promise<AuthorityPlace> => {
      const target = await followLinks(host, place.path);
      // kubeadm reads no bundle either, so there is none where none is needed.
      const isAlone = place.in === 'file' && (isComplete || holdsOneCertificate(place.path, node.components));
      const replacement = isAlone ? [certificate] : both;
      return {
        target,
        render: (bytes) => renderTrustPlace(place, bytes ?? new Uint8Array(), old ?? certificate, replacement),
      };
    }),
  );
  if (old === undefined) {
    const target = await followLinks(host, authority.path);
    places.push({ target, render: () => Buffer.from(encodePem('CERTIFICATE', certificate.der), 'latin1') });
  }
  const isOurs = key === undefined || (authority.issuer.ok && isKeyOf(authority.issuer.value.key, certificate));
  if (isOurs) return places;
  const target = await followLinks(host, authorityKeyPath(authority, node.components));
  return [...places, { target, render: () => Buffer.from(encodePrivateKey(key, usualKeyLabel(key)), 'latin1') }];
}

function createAuthoritiesStep(input: AdoptionInput, deps: Deps): Step<AdoptionFinding> {
  const placesOf = async ({ authorities }: Adoption): Promise<readonly AuthorityPlace[]> =>
    (await Promise.all(authorities.map((authority) => findPlaces(authority, input, deps)))).flat();
  return {
    id: AUTHORITIES_STEP,
    title: 'adopt the authorities of the set',
    requires: [],
    reversible: 'yes',
    check: async () => {
      const adoption = await lookAgain(input, deps);
      const places = await placesOf(adoption);
      const { evidence } = adoption;
      if (places.length === 0) {
        return { status: 'ok', summary: 'this node trusts the authorities of the set already', evidence, changes: [] };
      }
      const targets = [...new Set(places.map(({ target }) => target))];
      const changes = await Promise.all(targets.map((target) => planFileChange(target, deps.host)));
      return { status: 'needed', summary: `the set fits this node, and brings other authorities`, evidence, changes };
    },
    plan: ({ changes }) => changes,
    apply: async (changes, journal) => {
      const places = await placesOf(await lookAgain(input, deps));
      const edits = changes.map(async (change): Promise<Edit> => {
        let bytes = await deps.host.readFile(hostPath(change.target));
        for (const place of places) if (place.target === change.target) bytes = place.render(bytes);
        return { change, material: bytes };
      });
      await journal.perform(await Promise.all(edits));
    },
    verify: async (): Promise<Verdict> => {
      const { authorities } = await lookAgain(input, deps);
      const [first] = authorities;
      if (first === undefined)
        return { verified: true, evidence: ['every authority of the set is trusted by this node'] };
      return {
        verified: false,
        reason: `${first.authority.path} does not hold ${first.authority.definition.name} of the set`,
      };
    },
  };
}

async function findLeaf(id: CertificateId, input: AdoptionInput, deps: Deps): Promise<AdoptedLeaf | undefined> {
  return (await lookAgain(input, deps)).leaves.find(({ entry }) => entry.id === id);
}

/** The certificate of the set is for the key that the node has already. */
function hasKey({ entry, certificate }: AdoptedLeaf): boolean {
  return entry.key.ok && isKeyOf(entry.key.value.key, certificate);
}

function isInstalled(leaf: AdoptedLeaf): boolean {
  const { entry, certificate } = leaf;
  return entry.certificate.ok && isSameDer(entry.certificate.value.der, certificate.der) && hasKey(leaf);
}

function createLeafStep(entry: CertificateEntry, input: AdoptionInput, deps: Deps): Step<AdoptionFinding> {
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
      const label = leaf.entry.key.ok ? leaf.entry.key.value.label : usualKeyLabel(leaf.key);
      const certificates = [leaf.certificate, ...leaf.intermediates];
      const pems = {
        certificate: certificates.map(({ der }) => encodePem('CERTIFICATE', der)).join(''),
        key: hasKey(leaf) ? undefined : encodePrivateKey(leaf.key, label),
      };
      const edits = changes.map(async (change): Promise<Edit> => {
        if (change.kind !== 'file.replace') return { change };
        return { change, material: await renderRenewedFile(leaf.entry, hostPath(change.target), pems, deps.host) };
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
export async function createAdoptionSteps(input: AdoptionInput, deps: Deps): Promise<readonly Step<AdoptionFinding>[]> {
  await lookAgain(input, deps);
  const { certificates } = await inspectCertificates(input.node, deps);
  const leaves = certificates.filter(({ authority }) => authority !== undefined);
  return [createAuthoritiesStep(input, deps), ...leaves.map((entry) => createLeafStep(entry, input, deps))];
}
