import type { KeyObject } from 'node:crypto';
import {
  assertLifetime,
  type Certificate,
  generateKey,
  generateKeyLike,
  issueFromScratch,
  planValidity,
} from '@kube-rescue/x509';
import type { Host } from '@kube-rescue/host';
import type { CaEntry, Issuer } from '../inventory/ca-inventory.ts';
import { type CertificateEntry, type CertificateInventory, inspectCertificates } from '../inventory/inventory.ts';
import { PkiError } from '../errors.ts';
import { findForbiddenContent, findForeignClaim } from '../judgement/signable.ts';
import { lifetimeCas, planConfiguredLifetime, planLifetime } from '../renewal/lifetime.ts';
import type { ResolvedRenewalOptions } from '../renewal/renewal-options.ts';
import type { ScratchFacts } from './scratch-facts.ts';
import { findScratchServer } from './scratch-kubeconfig.ts';
import { type MissingFact, planSubject, type ScratchSubject } from './scratch-subject.ts';

/** kubeadm's lifetime of a leaf (`app/constants/constants.go` CertificateValidityPeriod). */
const DEFAULT_DAYS = 365;

type Reader = Pick<Host, 'readFile' | 'readLink' | 'stat'>;

/** A certificate that is made from scratch; carries no key. */
export interface ScratchPlan {
  readonly subject: ScratchSubject;
  readonly ca: CaEntry;
  readonly issuer: Issuer;
  readonly days: number;
  /** The file of kubeadm's configuration that sets {@link days}. */
  readonly configuredBy: string | undefined;
  /** The certificate whose kind of key it gets, and its lifetime without another source; `undefined`: kubeadm's lifetime, the CA's kind of key. */
  readonly neighbour: CertificateEntry | undefined;
  /** Of the kubeconfig; `undefined` for a pair of files. */
  readonly server: string | undefined;
}

/** A certificate of kubeadm's that can be read, of the same CA if there is one. */
function findNeighbour(
  { id, ca }: CertificateEntry,
  { certificates }: CertificateInventory,
): CertificateEntry | undefined {
  const others = certificates.filter(
    (each) => each.id !== id && each.certificate.ok && each.isKubeadms && each.definition.component !== 'kubelet',
  );
  return others.find((each) => each.ca === ca) ?? others[0];
}

function lifetimeOf(neighbour: CertificateEntry | undefined, { cas }: CertificateInventory): number {
  if (neighbour?.certificate.ok !== true) return DEFAULT_DAYS;
  const ca = cas.find(({ id }) => id === neighbour.ca);
  return planLifetime(neighbour.certificate.value, ca === undefined ? [] : lifetimeCas(ca)).days;
}

/** Plans the content of a lost certificate; `missing` names the fact that this node does not tell. */
export async function planScratch(
  entry: CertificateEntry,
  {
    facts,
    options,
    input,
  }: { readonly facts: ScratchFacts; readonly options: ResolvedRenewalOptions } & Pick<CertificateInventory, 'input'>,
  reader: Reader,
): Promise<ScratchPlan | MissingFact> {
  const { only: _, ...whole } = input;
  const inventory = await inspectCertificates(whole, { host: reader });
  const ca = inventory.cas.find(({ id }) => id === entry.ca);
  if (ca === undefined) throw new Error(`${entry.id} has no CA`);
  if (!ca.issuer.ok) throw ca.issuer.error;
  const { components } = input;
  const subject = planSubject(entry, { facts, components, addNames: options.addNames });
  if ('missing' in subject) return subject;
  const isKubeconfig = entry.certificateLocation.in === 'kubeconfig';
  const server = isKubeconfig ? await findScratchServer(entry.id, input, facts, reader) : undefined;
  if (typeof server === 'object') return server;
  const neighbour = findNeighbour(entry, inventory);
  const configured = options.days === undefined ? planConfiguredLifetime(facts.configuredLifetime?.days) : undefined;
  const days = options.days ?? configured ?? lifetimeOf(neighbour, inventory);
  assertLifetime(days);
  const configuredBy = configured === undefined ? undefined : facts.configuredLifetime?.path;
  return { subject, ca, issuer: ca.issuer.value, days, configuredBy, neighbour, server };
}

/** The key of a certificate from scratch: the one beside a lost certificate while it is good, else a new one like its neighbour's. */
export function keptKey({ certificateLocation, store, key }: CertificateEntry): KeyObject | undefined {
  const isApart = certificateLocation.in === 'file' && store === undefined;
  return isApart && key.ok && key.goFault === undefined && key.fault === undefined ? key.value.key : undefined;
}

/** Generates a key of the kind that its neighbour has. */
export function makeScratchKey(
  entry: CertificateEntry,
  { neighbour, issuer }: ScratchPlan,
  { keyAlgorithm }: Pick<ResolvedRenewalOptions, 'keyAlgorithm'>,
): Promise<KeyObject> {
  if (keyAlgorithm !== undefined) return generateKey(keyAlgorithm);
  const model = neighbour?.certificate.ok === true ? neighbour.certificate.value : issuer.certificate;
  return generateKeyLike(model.x509.publicKey, entry.certificateLocation.path);
}

/**
 * Issues a certificate from scratch, with the subject, names and usages of its plan alone, and judges it again as a stranger's:
 * whatever the catalogue does not give it is refused.
 *
 * @throws PkiError `PKI_CERTIFICATE_INVALID`; X509Error `PKI_NAME_INVALID` `PKI_KEY_UNSUPPORTED` `PKI_ISSUE_FAILED`
 */
export async function issueScratch(
  entry: CertificateEntry,
  { subject, issuer, days }: ScratchPlan,
  key: KeyObject,
  now: Date,
): Promise<Certificate> {
  const { commonName, organizations, usages, names } = subject;
  const issued = await issueFromScratch({
    subject: { commonName, organizations },
    names,
    usages,
    publicKey: key,
    issuer: { ...issuer, keySource: issuer.keyPath },
    validity: planValidity(issuer.certificate, now, days),
  });
  const slot = { ...entry, names: [...entry.names, ...names, commonName] };
  const refusal = findForbiddenContent(issued) ?? findForeignClaim(slot, issued, { isOurs: false });
  if (refusal === undefined) return issued;
  throw new PkiError({
    code: 'PKI_CERTIFICATE_INVALID',
    message: `the new ${entry.definition.name} was discarded: it ${refusal}`,
    subject: entry.certificateLocation.path,
    hint: 'nothing was changed; report it with the output of `kube-rescue triage`',
  });
}
