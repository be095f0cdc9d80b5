import { type Clock, type Host, hostPath } from '@kube-rescue/host';
import type { Change, Edit } from '@kube-rescue/workflow';
import {
  assertLifetime,
  assertSubjectNames,
  type Certificate,
  createKeySupply,
  encodePem,
  encodePrivateKey,
  findCaRefusal,
  generateKey,
  generateKeyLike,
  issueCertificate,
  type KeySupply,
  parseCertificate,
  planValidity,
  publicKeyDerOf,
  usualKeyLabel,
} from '@kube-rescue/x509';
import type { KeyObject } from 'node:crypto';
import { type CaId, CERTIFICATES } from '../inventory/catalogue.ts';
import { PkiError } from '../errors.ts';
import type { FilePlan } from './file-plan.ts';
import type { CertificateEntry, CertificateInventory } from '../inventory/inventory.ts';
import { assertSignable, findShortfall } from '../judgement/judgement.ts';
import { needsNewKey } from '../judgement/go-judgement.ts';
import { renderScratch } from '../scratch/scratch-check.ts';
import type { ScratchFacts } from '../scratch/scratch-facts.ts';
import { checkRenewal, findMakeable, observe, type RenewalContext, type RenewalFinding } from './renewal-check.ts';
import { renderRenewedFile, type RenewedPems } from './renewal-files.ts';
import { lifetimeCas, planLifetime } from './lifetime.ts';
import { type RenewalOptions, resolveRenewalOptions } from './renewal-options.ts';

/** kubeadm's default, for a key whose kind the components refuse. */
const DEFAULT_KEY = 'rsa-2048';

function makeKey(
  entry: CertificateEntry,
  { x509 }: Certificate,
  options: RenewalContext['options'],
): Promise<KeyObject> {
  const isRefused = needsNewKey(entry) && entry.keyLoss === undefined;
  const { keyAlgorithm = isRefused ? DEFAULT_KEY : undefined } = options;
  const { path } = entry.certificateLocation;
  return keyAlgorithm === undefined ? generateKeyLike(x509.publicKey, path) : generateKey(keyAlgorithm);
}

async function issuePems(
  entry: CertificateEntry,
  inventory: CertificateInventory,
  { options, keys }: PlanContext,
  now: Date,
): Promise<RenewedPems> {
  const ca = inventory.cas.find(({ id }) => id === entry.ca);
  if (!entry.certificate.ok) throw entry.certificate.error;
  if (ca === undefined) throw new Error(`${entry.id} has no CA to renew it`);
  if (!ca.issuer.ok) throw ca.issuer.error;
  const hasNewKey = options.newKeys || needsNewKey(entry);
  assertSignable(entry, inventory, { keepsKey: !hasNewKey });
  const template = entry.certificate.value;
  const issuer = ca.issuer.value;
  const { path } = entry.certificateLocation;
  const make = (): Promise<KeyObject> => makeKey(entry, template, options);
  const newKey = hasNewKey ? await keys.take(entry.id, make) : undefined;
  const shortfall = findShortfall(template, entry);
  const issued = issueCertificate({
    template,
    issuer: { ...issuer, keySource: issuer.keyPath },
    publicKeyDer: newKey === undefined ? undefined : publicKeyDerOf(newKey),
    validity: planValidity(issuer.certificate, now, planLifetime(template, lifetimeCas(ca), options.days).days),
    extraNames: [...shortfall.names, ...options.addNames],
    extraUsages: shortfall.usages,
    subject: path,
  });
  assertAccepted(issued, issuer.certificate, entry);
  const label = entry.key.ok && !needsNewKey(entry) ? entry.key.value.label : undefined;
  return {
    certificate: encodePem('CERTIFICATE', issued.der),
    key: newKey === undefined ? undefined : encodePrivateKey(newKey, label ?? usualKeyLabel(newKey)),
  };
}

/** Parses the new certificate again and compares it with the limits of its CA: a verifier would refuse what the CA may not sign. */
function assertAccepted(
  issued: Certificate,
  issuer: Certificate,
  { usages, definition, certificateLocation }: CertificateEntry,
): void {
  const certificate = parseCertificate(issued.der, certificateLocation.path);
  const refusal = findCaRefusal(issuer, { certificate, extraNames: [], usages });
  if (refusal === undefined) return;
  throw new PkiError({
    code: 'PKI_CA_FORBIDS',
    message: `the new ${definition.name} was discarded: its CA ${refusal}`,
    subject: certificateLocation.path,
    hint: 'have the CA issued without this limit by its operator, or install certificates of another CA: `kube-rescue certs adopt`',
  });
}

async function makeEdits(context: PlanContext, changes: readonly Change[], now: Date): Promise<readonly Edit[]> {
  if (changes.every(({ kind }) => kind === 'file.remove')) return changes.map((change) => ({ change }));
  const { inventory, entry } = await observe(context);
  const lost = entry === undefined ? undefined : findMakeable(entry, inventory, context);
  if (lost !== undefined) {
    const takeKey = (make: () => Promise<KeyObject>): Promise<KeyObject> => context.keys.take(context.id, make);
    return renderScratch(lost.entry, inventory, { context: lost.context, takeKey, changes, now });
  }
  if (entry === undefined) {
    throw new PkiError({
      code: 'PKI_CERTIFICATE_MISSING',
      message: 'the certificate was removed after the plan was made',
      subject: context.id,
      hint: 'find out which other process writes here, then plan again',
    });
  }
  const pems = await issuePems(entry, inventory, context, now);
  return Promise.all(
    changes.map(async (change): Promise<Edit> => {
      if (change.kind !== 'file.replace') return { change };
      return { change, material: await renderRenewedFile(entry, hostPath(change.target), pems, context.host) };
    }),
  );
}

/** Announces the keys that the renewal will need, at each check. */
function expectKey(entry: CertificateEntry, { options, keys }: PlanContext, finding: RenewalFinding): void {
  const { certificate, id } = entry;
  const isDue =
    (options.newKeys || needsNewKey(entry)) && finding.status === 'needed' && certificate.ok && entry.ca !== undefined;
  keys.expect(id, isDue ? () => makeKey(entry, certificate.value, options) : undefined);
}

interface PlanContext extends RenewalContext {
  readonly keys: KeySupply;
}

/** The plan of one certificate. */
interface RenewalPlan extends FilePlan {
  readonly entry: CertificateEntry;
  readonly context: RenewalContext;
}

export interface RenewalInput {
  readonly inventory: CertificateInventory;
  readonly options?: RenewalOptions | undefined;
  /** What lost certificates are made from. Default: they are not made, and block. */
  readonly facts?: ScratchFacts | undefined;
  /** CAs that are reissued in the same plan, before these certificates. Default: none. */
  readonly reissued?: readonly CaId[] | undefined;
}

/**
 * One plan for every certificate of an inventory, in the order of the catalogue. A plan reads the node again; the inventory
 * only lists the certificates.
 *
 * @throws PkiError `PKI_LIFETIME_INVALID` `PKI_NAME_INVALID`
 */
export function planRenewals(
  { inventory, options = {}, facts, reissued = [] }: RenewalInput,
  { host, clock }: { readonly host: Pick<Host, 'readFile' | 'readLink' | 'stat'>; readonly clock: Clock },
): readonly RenewalPlan[] {
  const resolved = resolveRenewalOptions(options);
  if (resolved.days !== undefined) assertLifetime(resolved.days);
  assertSubjectNames(resolved.addNames);
  const keys = createKeySupply();
  const inOrder = CERTIFICATES.flatMap(({ id }) => inventory.certificates.filter((entry) => entry.id === id));
  return inOrder.map((entry) => {
    const { id, alsoServesAs } = entry;
    const context = { id, alsoServesAs, input: inventory.input, options: resolved, facts, reissued, host, keys };
    return {
      entry,
      context,
      check: async () => {
        const finding = await checkRenewal(context, clock.now());
        expectKey(entry, context, finding);
        return finding;
      },
      render: (changes) => makeEdits(context, changes, clock.now()),
    };
  });
}
