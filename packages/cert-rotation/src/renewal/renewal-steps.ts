import { type Clock, type Host, hostPath } from '@kube-rescue/host';
import type { Change, Edit, Step } from '@kube-rescue/workflow';
import {
  assertLifetime,
  assertSubjectNames,
  type Certificate,
  createKeySupply,
  encodePem,
  encodePrivateKey,
  generateKey,
  generateKeyLike,
  issueCertificate,
  type KeySupply,
  planValidity,
  publicKeyDerOf,
  usualKeyLabel,
} from '@kube-rescue/x509';
import type { KeyObject } from 'node:crypto';
import { type CaId, CERTIFICATES, reissueStepId, renewalStepId } from '../inventory/catalogue.ts';
import { PkiError } from '../errors.ts';
import type { CertificateEntry, CertificateInventory } from '../inventory/inventory.ts';
import { findShortfall } from '../judgement/judgement.ts';
import { checkRenewal, observe, type RenewalContext, type RenewalFinding } from './renewal-check.ts';
import { renderRenewedFile, type RenewedPems } from './renewal-files.ts';
import { type RenewalOptions, resolveRenewalOptions } from './renewal-options.ts';
import { verifyRenewal } from './renewal-verification.ts';

function makeKey({ x509 }: Certificate, { keyAlgorithm }: RenewalContext['options'], path: string): Promise<KeyObject> {
  return keyAlgorithm === undefined ? generateKeyLike(x509.publicKey, path) : generateKey(keyAlgorithm);
}

async function issuePems(
  entry: CertificateEntry,
  inventory: CertificateInventory,
  { options, keys }: StepContext,
  now: Date,
): Promise<RenewedPems> {
  const ca = inventory.cas.find(({ id }) => id === entry.ca);
  if (!entry.certificate.ok) throw entry.certificate.error;
  if (ca === undefined) throw new Error(`${entry.id} has no authority to renew it`);
  if (!ca.issuer.ok) throw ca.issuer.error;
  const template = entry.certificate.value;
  const issuer = ca.issuer.value;
  const { path } = entry.certificatePlace;
  const make = (): Promise<KeyObject> => makeKey(template, options, path);
  const newKey = options.newKeys ? await keys.take(entry.id, make) : undefined;
  const shortfall = findShortfall(template, entry);
  const issued = issueCertificate({
    template,
    issuer: { ...issuer, keySource: issuer.keyPath },
    publicKeyDer: newKey === undefined ? undefined : publicKeyDerOf(newKey),
    validity: planValidity(issuer.certificate, now, options.days),
    extraNames: [...shortfall.names, ...options.addNames],
    extraUsages: shortfall.usages,
    subject: path,
  });
  const label = entry.key.ok ? entry.key.value.label : undefined;
  return {
    certificate: encodePem('CERTIFICATE', issued.der),
    key: newKey === undefined ? undefined : encodePrivateKey(newKey, label ?? usualKeyLabel(newKey)),
  };
}

async function makeEdits(context: StepContext, changes: readonly Change[], now: Date): Promise<readonly Edit[]> {
  if (changes.every(({ kind }) => kind === 'file.remove')) return changes.map((change) => ({ change }));
  const { inventory, entry } = await observe(context);
  if (entry === undefined) {
    throw new PkiError({
      code: 'PKI_CERTIFICATE_MISSING',
      message: 'the certificate was there when the plan was made and is gone now',
      subject: context.id,
      hint: 'find out what else writes here, then plan again',
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

/** Told at each check which keys the plan will need. */
function expectKey(entry: CertificateEntry, { options, keys }: StepContext, finding: RenewalFinding): void {
  const { certificate, certificatePlace, id } = entry;
  const isDue = options.newKeys && finding.status === 'needed' && certificate.ok && entry.ca !== undefined;
  keys.expect(id, isDue ? () => makeKey(certificate.value, options, certificatePlace.path) : undefined);
}

interface StepContext extends RenewalContext {
  readonly keys: KeySupply;
}

function createRenewalStep(entry: CertificateEntry, context: StepContext, clock: Clock): Step<RenewalFinding> {
  let written: readonly Change[] = [];
  return {
    id: renewalStepId(entry.definition),
    title: `renew ${entry.definition.name}`,
    requires: entry.ca !== undefined && context.reissued.includes(entry.ca) ? [reissueStepId(entry.ca)] : [],
    reversible: 'yes',
    check: async () => {
      const finding = await checkRenewal(context, clock.now());
      expectKey(entry, context, finding);
      return finding;
    },
    plan: ({ changes }) => changes,
    apply: async (changes, journal) => {
      const edits = await makeEdits(context, changes, clock.now());
      written = changes;
      await journal.perform(edits);
    },
    verify: () => verifyRenewal(context, written, clock.now()),
  };
}

/**
 * One step for every certificate of an inventory, in the order of the catalogue. A step looks again for itself, so the
 * inventory only says which certificates there are.
 *
 * Only what has a problem is renewed, unless `options` say otherwise. Components keep the old certificates until they are
 * restarted; that is not done here.
 * @throws PkiError `PKI_LIFETIME_INVALID` `PKI_NAME_INVALID`
 */
export function createRenewalSteps(
  {
    inventory,
    options = {},
    reissued = [],
  }: {
    readonly inventory: CertificateInventory;
    readonly options?: RenewalOptions | undefined;
    /** Authorities that `createReissueSteps` has steps for in the same plan, before these. Default: none. */
    readonly reissued?: readonly CaId[] | undefined;
  },
  { host, clock }: { readonly host: Pick<Host, 'readFile' | 'readLink' | 'stat'>; readonly clock: Clock },
): readonly Step<RenewalFinding>[] {
  const resolved = resolveRenewalOptions(options);
  assertLifetime(resolved.days);
  assertSubjectNames(resolved.addNames);
  const keys = createKeySupply();
  const inOrder = CERTIFICATES.flatMap(({ id }) => inventory.certificates.filter((entry) => entry.id === id));
  return inOrder.map((entry) => {
    const { id, alsoServesAs } = entry;
    return createRenewalStep(
      entry,
      { id, alsoServesAs, input: inventory.input, options: resolved, reissued, host, keys },
      clock,
    );
  });
}
