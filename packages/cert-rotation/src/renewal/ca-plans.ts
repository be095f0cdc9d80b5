import { IS_KNOWN_WRONG } from '@kube-rescue/errors';
import { type Clock, type Host, hostPath } from '@kube-rescue/host';
import type { Change, Edit } from '@kube-rescue/workflow';
import { assertLifetime, type Certificate, isSelfSigned, planCaValidity, reissueCa } from '@kube-rescue/x509';
import { type CaEntry, inspectCa } from '../inventory/ca-inventory.ts';
import { judgeCa, signingCertificate } from '../judgement/ca-judgement.ts';
import { DEFAULT_CA_DAYS } from './ca-reissue.ts';
import type { CaId } from '../inventory/catalogue.ts';
import { PkiError } from '../errors.ts';
import type { FileFinding, FilePlan } from './file-plan.ts';
import { followLinks, planFileChange } from './file-target.ts';
import type { CertificateInventory, InspectionInput } from '../inventory/inventory.ts';
import { findTrustLocations, renderTrustLocation, type TrustLocation } from './trust-locations.ts';

/** How authorities are issued anew with their own keys. */
export interface ReissueOptions {
  /** Lifetime of the authority's new certificate. Default: 3650, kubeadm's. */
  readonly caDays?: number | undefined;
  /** Authorities that are issued anew although they have not expired. Default: none. */
  readonly force?: readonly CaId[] | undefined;
}

export interface ReissueContext {
  readonly ca: Pick<CaEntry, 'id' | 'path' | 'definition'>;
  readonly input: InspectionInput;
  readonly days: number;
  readonly isForced: boolean;
  readonly host: Pick<Host, 'readFile' | 'readLink' | 'stat' | 'list'>;
}

/** An authority, looked at anew, and the files that have to change for it to be trusted. */
interface Observation {
  readonly entry: CaEntry;
  readonly current: Certificate;
  readonly isToBeReissued: boolean;
  readonly stale: readonly TrustLocation[];
}

export async function observeCa(context: ReissueContext, now: Date): Promise<Observation | CaEntry> {
  const { ca, input, isForced, host } = context;
  const entry = await inspectCa(ca.id, ca.path, input.components, host);
  const current = signingCertificate(entry);
  if (current === undefined) return entry;
  const isToBeReissued = isForced || now > current.notAfter;
  const places = await findTrustLocations(current, { ...input, caPath: ca.path }, host);
  const stale = places.filter(
    ({ certificates }) => isToBeReissued || certificates.every(({ notAfter }) => now > notAfter),
  );
  return { entry, current, isToBeReissued, stale };
}

/** A key that is missing or another's stands in the way of a new certificate only. */
function blocked(entry: CaEntry, needsKey: boolean, now: Date): FileFinding | undefined {
  const problems = judgeCa(entry, now);
  const obstacles = problems.filter(({ code }) => code !== 'PKI_CA_EXPIRED');
  const [first] = obstacles.filter(({ severity }) => needsKey || severity === 'problem');
  if (first === undefined) return undefined;
  const { code, kind, message, subject, hint } = first;
  const expired = problems.find((problem) => problem.code === 'PKI_CA_EXPIRED');
  return {
    status: IS_KNOWN_WRONG[kind] ? 'blocked' : 'unknown',
    summary: `${entry.definition.name}: ${expired === undefined ? message : `${expired.message}, and ${message}`}`,
    evidence: [],
    code: expired?.code ?? code,
    subject: expired === undefined ? subject : entry.path,
    hint: expired?.hint ?? hint,
    changes: [],
  };
}

function blockedByIssuer({ definition, path }: CaEntry): FileFinding {
  return {
    status: 'blocked',
    summary: `${definition.name} was signed by another authority, so it cannot be issued anew here`,
    evidence: [],
    code: 'PKI_CA_EXPIRED',
    subject: path,
    hint: 'have it issued anew, with the same key and name, by whoever keeps the authority above it',
    changes: [],
  };
}

async function checkReissue(context: ReissueContext, now: Date): Promise<FileFinding> {
  const { ca, days, host } = context;
  const observation = await observeCa(context, now);
  const { name } = ca.definition;
  if (!('current' in observation)) {
    const finding = blocked(observation, true, now);
    if (finding === undefined) throw new Error(`${ca.id} has no certificate and no problem`);
    return finding;
  }
  const { entry, current, isToBeReissued, stale } = observation;
  const finding = blocked(entry, isToBeReissued, now);
  if (finding !== undefined) return finding;
  if (isToBeReissued && !isSelfSigned(current)) return blockedByIssuer(entry);
  const until = current.notAfter.toISOString();
  if (stale.length === 0) {
    return { status: 'ok', summary: `${name} is valid until ${until}`, evidence: [], changes: [] };
  }
  const end = planCaValidity(now, days).notAfter.toISOString();
  const expired = now > current.notAfter ? `expired on ${until}` : `is valid until ${until}`;
  const summary = isToBeReissued
    ? `${name} ${expired}`
    : `${name} is valid, but an expired certificate of it is trusted`;
  const changes = await Promise.all(stale.map(({ path }) => planFileChange(path, host)));
  return {
    status: 'needed',
    summary,
    evidence: [
      ...(isToBeReissued ? [`it is issued anew with the same key and name, until ${end}`] : []),
      ...stale.map(({ path }) => `trusted in ${path}`),
    ],
    changes: [...new Map(changes.map((change) => [change.target, change])).values()],
  };
}

async function makeEdits(context: ReissueContext, changes: readonly Change[], now: Date): Promise<readonly Edit[]> {
  const { ca, days, host } = context;
  const observation = await observeCa(context, now);
  if (!('current' in observation)) throw new Error(`${ca.id} lost its certificate after it was checked`);
  const { entry, isToBeReissued, stale } = observation;
  let { current } = observation;
  if (isToBeReissued) {
    if (!entry.issuer.ok) throw entry.issuer.error;
    const { key, keyPath } = entry.issuer.value;
    const validity = planCaValidity(now, days);
    current = reissueCa({ template: current, key, keySource: keyPath, validity, subject: ca.path });
  }
  const places = new Map<string, TrustLocation>();
  for (const place of stale) places.set(await followLinks(host, place.path), place);
  return Promise.all(
    changes.map(async (change): Promise<Edit> => {
      const place = places.get(change.target);
      const bytes = await host.readFile(hostPath(change.target));
      if (place === undefined || bytes === undefined) return { change };
      return { change, material: renderTrustLocation(place, bytes, current) };
    }),
  );
}

/** The plan of one CA. */
interface ReissuePlan extends FilePlan {
  readonly context: ReissueContext;
}

export interface ReissueInput {
  readonly inventory: CertificateInventory;
  readonly options?: ReissueOptions;
}

/**
 * One plan for every CA of an inventory: reissues its certificate with its own key, wherever the files of the node hold it.
 *
 * @throws PkiError `PKI_LIFETIME_INVALID`; `PKI_CERTIFICATE_UNKNOWN` for a CA in `force` that this node does not have
 */
export function planReissues(
  { inventory, options = {} }: ReissueInput,
  { host, clock }: { readonly host: ReissueContext['host']; readonly clock: Clock },
): readonly ReissuePlan[] {
  const { caDays: days = DEFAULT_CA_DAYS, force = [] } = options;
  assertLifetime(days);
  assertKnown(force, inventory);
  return inventory.cas.map((ca) => {
    const context: ReissueContext = { ca, input: inventory.input, days, isForced: force.includes(ca.id), host };
    return {
      context,
      check: () => checkReissue(context, clock.now()),
      render: (changes) => makeEdits(context, changes, clock.now()),
    };
  });
}

function assertKnown(ids: readonly CaId[], { cas }: CertificateInventory): void {
  const unknown = ids.filter((id) => !cas.some((ca) => ca.id === id));
  if (unknown.length === 0) return;
  throw new PkiError({
    code: 'PKI_CERTIFICATE_UNKNOWN',
    message: 'this node has no such authority of its own',
    subject: unknown.join(', '),
    hint: `choose from ${cas.map(({ id }) => id).join(', ')}; authorities that share one file count as the first`,
  });
}
