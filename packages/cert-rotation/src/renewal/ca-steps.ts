import { IS_KNOWN_WRONG } from '@kube-rescue/errors';
import { type Clock, type Host, hostPath } from '@kube-rescue/host';
import type { Change, Edit, Finding, Step, Verdict } from '@kube-rescue/workflow';
import {
  assertLifetime,
  type Certificate,
  containsPem,
  isSelfSigned,
  isSelfSignedCa,
  planCaValidity,
  reissueCa,
} from '@kube-rescue/x509';
import { type CaEntry, inspectCa } from '../inventory/ca-inventory.ts';
import { judgeCa, signingCertificate } from '../judgement/ca-judgement.ts';
import { DEFAULT_CA_DAYS } from './ca-reissue.ts';
import { type CaId, reissueStepId } from '../inventory/catalogue.ts';
import { PkiError } from '../errors.ts';
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

interface ReissueFinding extends Finding {
  readonly changes: readonly Change[];
}

interface Context {
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

async function observe(context: Context, now: Date): Promise<Observation | CaEntry> {
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
function blocked(entry: CaEntry, needsKey: boolean, now: Date): ReissueFinding | undefined {
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

function blockedByIssuer({ definition, path }: CaEntry): ReissueFinding {
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

async function checkReissue(context: Context, now: Date): Promise<ReissueFinding> {
  const { ca, days, host } = context;
  const observation = await observe(context, now);
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

async function makeEdits(context: Context, changes: readonly Change[], now: Date): Promise<readonly Edit[]> {
  const { ca, days, host } = context;
  const observation = await observe(context, now);
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

/** OpenSSL's own opinion of the authority on disk, and whether anything still trusts an expired certificate of it. */
async function verifyReissue(context: Context, now: Date): Promise<Verdict> {
  const observation = await observe({ ...context, isForced: false }, now);
  const { path, definition } = context.ca;
  const refuse = (reason: string): Verdict => ({
    verified: false,
    reason,
    hint: 'look at the file, then run the recovery again',
  });
  if (!('current' in observation)) return refuse(`${path}: there is no certificate of ${definition.name}`);
  const { current, isToBeReissued, stale } = observation;
  if (isToBeReissued) return refuse(`${path}: ${definition.name} still is an expired one`);
  if (stale[0] !== undefined)
    return refuse(`${stale[0].path} still trusts an expired certificate of ${definition.name}`);
  const bytes = Buffer.from((await context.host.readFile(path)) ?? new Uint8Array());
  if (!containsPem(bytes.toString('latin1'))) return refuse(`${path} holds no PEM`);
  if (isSelfSigned(current) && !isSelfSignedCa(current.der)) {
    return refuse(`${path}: the certificate on disk is not that of a self-signed CA`);
  }
  return {
    verified: true,
    evidence: [`${path}: serial ${current.x509.serialNumber}, valid until ${current.notAfter.toISOString()}`],
  };
}

/**
 * One step for every authority of an inventory: issues its certificate anew with its own key when it has expired, and puts
 * it wherever this node's files hold the expired one (its own file, what flags and kubeconfigs name, what kubeconfigs
 * embed). What the authority signed before stays good, so a leaf that is valid stays as it is.
 *
 * A valid authority whose expired certificate is still trusted somewhere gets those files mended. An authority without its
 * key, or one that another authority signed, is `blocked` when it has expired. Changes no object of the cluster and
 * restarts nothing.
 * @throws PkiError `PKI_LIFETIME_INVALID`; `PKI_CERTIFICATE_UNKNOWN` for an authority in `force` that this node does not have
 */
export function createReissueSteps(
  { inventory, options = {} }: { readonly inventory: CertificateInventory; readonly options?: ReissueOptions },
  { host, clock }: { readonly host: Context['host']; readonly clock: Clock },
): readonly Step<ReissueFinding>[] {
  const { caDays: days = DEFAULT_CA_DAYS, force = [] } = options;
  assertLifetime(days);
  assertKnown(force, inventory);
  return inventory.cas.map((ca): Step<ReissueFinding> => {
    const context: Context = { ca, input: inventory.input, days, isForced: force.includes(ca.id), host };
    return {
      id: reissueStepId(ca.id),
      title: `reissue ${ca.definition.name} with the same key`,
      requires: [],
      reversible: 'yes',
      check: () => checkReissue(context, clock.now()),
      plan: ({ changes }) => changes,
      apply: async (changes, journal) => journal.perform(await makeEdits(context, changes, clock.now())),
      verify: () => verifyReissue(context, clock.now()),
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
