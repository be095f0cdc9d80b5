import { formatTime, IS_KNOWN_WRONG } from '@kube-rescue/errors';
import type { Host } from '@kube-rescue/host';
import { type FileRemove, readBefore } from '@kube-rescue/workflow';
import { type Certificate, planValidity } from '@kube-rescue/x509';
import { isObstacle, judgeCa, judgeRefusal, signingCertificate } from '../judgement/ca-judgement.ts';
import { DEFAULT_CA_DAYS, findReissuable } from './ca-reissue.ts';
import { isLost, planRestoration, readRestored } from './ca-restoration.ts';
import type { CaEntry } from '../inventory/ca-inventory.ts';
import { type CaId, type CertificateId, reissueStepId } from '../inventory/catalogue.ts';
import {
  type CertificateEntry,
  type CertificateInventory,
  inspectCertificates,
  type InspectionInput,
  isRemoved,
} from '../inventory/inventory.ts';
import { findShortfall, judgeCertificate } from '../judgement/judgement.ts';
import { needsNewKey } from '../judgement/go-judgement.ts';
import { joinSubject, type Problem } from '../judgement/problem.ts';
import type { FileFinding } from './file-plan.ts';
import { planRenewalChanges } from './renewal-files.ts';
import { describeLifetimeChange, lifetimeCas, planLifetime } from './lifetime.ts';
import { kubeadmCommand } from '../inventory/kubeadm-phases.ts';
import { findScratchObstacle } from '../judgement/loss-judgement.ts';
import { checkScratch, type LostEntry, type ScratchContext } from '../scratch/scratch-check.ts';
import type { ScratchFacts } from '../scratch/scratch-facts.ts';
import { renewalNotice, type ResolvedRenewalOptions } from './renewal-options.ts';

export type RenewalFinding = FileFinding;

export interface RenewalContext {
  readonly id: CertificateId;
  /** Other purposes of the same pair. */
  readonly alsoServesAs: readonly CertificateId[];
  readonly input: InspectionInput;
  readonly options: ResolvedRenewalOptions;
  /** What lost certificates are made from; `undefined`: they are not made, and block. */
  readonly facts?: ScratchFacts | undefined;
  /** CAs that earlier steps of the same plan reissue when they have expired. */
  readonly reissued: readonly CaId[];
  readonly host: Pick<Host, 'readFile' | 'readLink' | 'stat'>;
}

/** One certificate, read again. */
export interface Observation {
  readonly inventory: CertificateInventory;
  readonly entry: CertificateEntry | undefined;
}

/** Reads one certificate and its CA again. */
export async function observe({ id, alsoServesAs, input, host }: RenewalContext): Promise<Observation> {
  const inventory = await inspectCertificates({ ...input, only: [id, ...alsoServesAs] }, { host });
  return { inventory, entry: inventory.certificates.find((entry) => entry.id === id) };
}

/**
 * Whether the kubelet created its serving pair: `NAME@SECONDS`, signed by `NAME-ca@SECONDS` (client-go
 * `util/cert/cert.go` GenerateSelfSignedCertKey).
 */
function isCreatedByKubelet(entry: CertificateEntry): boolean {
  if (!entry.certificate.ok) return false;
  const { subject, issuer } = entry.certificate.value.x509;
  return /CN=.+@\d+$/.test(subject ?? '') && /CN=.+-ca@\d+$/.test(issuer ?? '');
}

function obstacles(entry: CertificateEntry, problems: readonly Problem[], newKeys: boolean): readonly Problem[] {
  const real = problems.filter(({ severity }) => severity === 'problem');
  if (entry.definition.location.in !== 'kubelet-self-signed') {
    return real.filter(({ fixedBy }) => fixedBy === 'operator' || (fixedBy === 'new-key' && !newKeys));
  }
  return isCreatedByKubelet(entry) ? [] : real.map((problem) => ({ ...problem, hint: OTHER_ISSUER }));
}

const OTHER_ISSUER =
  'the kubelet did not create this certificate: renew it with the tool that issued it, or skip this step';

/** A valid serving certificate that was named, and that no CA of this node signed. */
function judgeNamedServing(entry: CertificateEntry): Problem[] {
  if (isCreatedByKubelet(entry)) return [];
  const subject = entry.certificateLocation.path;
  return [
    {
      code: 'PKI_CA_KEY_ELSEWHERE',
      severity: 'problem',
      kind: 'missing',
      fixedBy: 'operator',
      subject,
      message: 'was issued by another tool, whose CA key is not on this node',
      hint: OTHER_ISSUER,
    },
  ];
}

function aboutCertificate(id: CertificateId, reason: string): NonNullable<RenewalFinding['about']> {
  return { noun: 'certificate', id, reason };
}

function blocked(entry: CertificateEntry, [first, ...others]: readonly [Problem, ...Problem[]]): RenewalFinding {
  const { code, kind, subject, hint } = first;
  return {
    // A file that the host could not read may be fine.
    status: IS_KNOWN_WRONG[kind] ? 'blocked' : 'unknown',
    summary: joinSubject(entry.definition.name, first.message),
    about: aboutCertificate(entry.id, first.message),
    evidence: others.map((problem) => joinSubject(problem.subject, problem.message)),
    code,
    subject,
    hint,
    changes: [],
  };
}

/** A file that cannot be read and that no component and no later step needs must not keep the others from being renewed. */
function passOver({ id }: CertificateEntry, [first]: readonly [Problem, ...Problem[]]): RenewalFinding {
  const summary = `${first.subject} is left as it is: ${first.message}`;
  const command = kubeadmCommand(id) ?? 'kubeadm init phase';
  const warning = `${summary}; no component needs it: restore it from a backup, or recreate it with \`${command}\``;
  return { status: 'ok', summary, evidence: [], warnings: [warning], changes: [] };
}

/** A lost certificate that can be made from scratch, with what it is made from. */
export function findMakeable(
  entry: CertificateEntry,
  inventory: CertificateInventory,
  { facts, options, host }: RenewalContext,
): { readonly entry: LostEntry; readonly context: ScratchContext } | undefined {
  const { loss } = entry;
  if (loss === undefined || facts === undefined) return undefined;
  if (findScratchObstacle(entry, inventory) !== undefined) return undefined;
  return { entry: { ...entry, loss }, context: { facts, options, host } };
}

async function planRemoval(entry: CertificateEntry, host: RenewalContext['host']): Promise<readonly FileRemove[]> {
  const paths = [...new Set([entry.certificateLocation.path, entry.keyLocation.path])];
  const removals = await Promise.all(
    paths.map(async (target) => ({ kind: 'file.remove' as const, target, before: await readBefore(host, target) })),
  );
  return removals.filter(({ before }) => before !== 'absent');
}

/** The `names` that the certificate lacks. */
export function findLackingNames(entry: CertificateEntry, names: readonly string[]): readonly string[] {
  if (!entry.certificate.ok) return [];
  const { names: lacking } = findShortfall(entry.certificate.value, { names, usages: [] });
  return lacking;
}

/** The problem of a CA among the problems of its leaf. */
function nameCa(problem: Problem, name: string): Problem {
  return {
    ...problem,
    message: problem.message.startsWith(`the ${name} key `)
      ? problem.message
      : joinSubject(`the ${name}`, problem.message),
  };
}

/** The names that a renewal would add, against the limits of its CA. */
function judgeNewNames(entry: CertificateEntry, ca: CaEntry | undefined, extraNames: readonly string[]): Problem[] {
  const issuer = ca === undefined ? undefined : signingCertificate(ca);
  if (ca === undefined || issuer === undefined || !entry.certificate.ok || extraNames.length === 0) return [];
  return judgeRefusal(entry, ca, { certificate: entry.certificate.value, issuer, extraNames });
}

function isSomething(problems: readonly Problem[]): problems is readonly [Problem, ...Problem[]] {
  return problems.length > 0;
}

/**
 * Checks one certificate and plans the changed files of a renewal that is needed and possible. Reads only.
 *
 * An expired CA, or a CA that is not valid yet by this machine's clock, blocks even its valid leaves. A lost CA that an earlier
 * step writes again is judged as if it was there.
 */
export async function checkRenewal(context: RenewalContext, now: Date): Promise<RenewalFinding> {
  const seen = await observe(context);
  const ca = seen.inventory.cas.find(({ id }) => id === seen.entry?.ca);
  if (ca === undefined || !isLost(ca) || !context.reissued.includes(ca.id)) return judgeRenewal(context, seen, now);
  const { input, host } = context;
  const restoration = await planRestoration({ ca, input, days: DEFAULT_CA_DAYS }, host, now);
  if ('missing' in restoration) return judgeRenewal(context, seen, now);
  const after = { ...context, host: await readRestored(host, ca.path, restoration) };
  const finding = await judgeRenewal(after, await observe(after), now);
  if (finding.status !== 'needed') return finding;
  const summary = `${finding.summary}, once the certificate of its CA is written again`;
  const waitsFor = [reissueStepId(ca.id)];
  const about = aboutCertificate(context.id, 'wait for the certificate of their CA, which is written again');
  return { ...finding, status: 'blocked', summary, about, code: 'PKI_CERTIFICATE_LOST', waitsFor, changes: [] };
}

async function judgeRenewal(
  context: RenewalContext,
  { inventory, entry }: Observation,
  now: Date,
): Promise<RenewalFinding> {
  const { options, host } = context;
  if (entry === undefined) {
    const reason =
      inventory.absent.find(({ id }) => id === context.id)?.reason ?? 'it shares a file with another certificate';
    return { status: 'ok', summary: `no ${context.id} on this node: ${reason}`, evidence: [], changes: [] };
  }
  const { name } = entry.definition;
  const lost = findMakeable(entry, inventory, context);
  const problems = judgeCertificate(entry, inventory, { now, ...renewalNotice(options) });
  if (lost === undefined && isSomething(problems) && isRemoved(entry)) {
    return passOver(entry, problems);
  }
  const ca = inventory.cas.find(({ id }) => id === entry.ca);
  // A CA that is reissued with the same key stays the issuer of its valid leaves.
  const awaited = ca !== undefined && context.reissued.includes(ca.id) && findReissuable(ca, now) !== undefined;
  const caProblems =
    ca === undefined || awaited
      ? []
      : judgeCa(ca, now)
          .filter(isObstacle)
          .map((each) => nameCa(each, ca.definition.name));
  const lacking = findLackingNames(entry, options.addNames);
  const isOurs = entry.definition.location.in !== 'kubelet-self-signed';
  const isNamed = [entry.id, ...entry.alsoServesAs].some((id) => options.named.includes(id));
  const isWanted = problems.length > 0 || isNamed || (isOurs && (options.all || lacking.length > 0));

  const blockers = [
    ...caProblems.filter(({ severity }) => isWanted || severity === 'problem'),
    ...(lost === undefined ? obstacles(entry, problems, options.newKeys || needsNewKey(entry)) : []),
    ...judgeNewNames(entry, ca, lacking),
    ...(isNamed && !isOurs && problems.length === 0 ? judgeNamedServing(entry) : []),
  ];
  if (isSomething(blockers)) {
    const isSpare = 'isSpare' in entry.definition && caProblems.length === 0;
    return isSpare && (!entry.certificate.ok || !entry.key.ok) ? passOver(entry, blockers) : blocked(entry, blockers);
  }

  const evidence = problems.map((problem) => joinSubject(problem.subject, problem.message));
  if (!isWanted) {
    const until = entry.certificate.ok ? formatTime(entry.certificate.value.notAfter) : '';
    return { status: 'ok', summary: `${name} is valid until ${until}`, evidence, changes: [] };
  }
  const reason = lacking.length > 0 ? `does not name ${lacking.join(', ')}` : 'renewal requested';
  const newKeyNote = needsNewKey(entry) ? '; it gets a new private key' : '';
  const because = `${problems[0]?.message ?? reason}${newKeyNote}`;
  const cause = joinSubject(name, because);
  if (entry.definition.location.in === 'kubelet-self-signed') {
    return { status: 'needed', summary: cause, evidence, changes: await planRemoval(entry, host) };
  }
  const issuer = ca === undefined ? undefined : signingCertificate(ca);
  if (issuer === undefined) throw new Error(`${entry.id} has no CA to renew it`);
  if (now > issuer.notAfter) {
    const waitsFor = [reissueStepId(ca?.id ?? 'cluster')];
    const wait = ', and its CA must be reissued first';
    const about = aboutCertificate(entry.id, `${because}${wait}`);
    return {
      status: 'blocked',
      summary: `${cause}${wait}`,
      about,
      evidence,
      code: 'PKI_CA_EXPIRED',
      waitsFor,
      changes: [],
    };
  }
  if (lost !== undefined) return checkScratch(lost.entry, inventory, lost.context, now);
  const isEndNamed = problems[0] !== undefined && NAMES_END.includes(problems[0].code);
  const ends = describeEnds(entry, { ca, issuer, now, days: options.days, isEndNamed });
  const newKeys = options.newKeys || needsNewKey(entry);
  const changes = await planRenewalChanges(entry, { newKeys, now }, host);
  const about = aboutCertificate(entry.id, `${because}; ${ends.summary}`);
  const summary = `${cause}; ${ends.summary}`;
  return { status: 'needed', summary, about, evidence: [...evidence, ...ends.evidence], changes };
}

/** Problems whose message names the end of the certificate. */
const NAMES_END: readonly Problem['code'][] = ['PKI_CERTIFICATE_EXPIRED', 'PKI_CERTIFICATE_EXPIRES_SOON'];

/** The end of the old certificate and of the new one, and why their lifetimes differ. */
function describeEnds(
  { certificate }: CertificateEntry,
  input: {
    readonly ca: CaEntry | undefined;
    readonly issuer: Certificate;
    readonly now: Date;
    readonly days: number | undefined;
    /** The cause has named the end of the old certificate. */
    readonly isEndNamed: boolean;
  },
): { readonly summary: string; readonly evidence: readonly string[] } {
  if (!certificate.ok) return { summary: 'it is issued again', evidence: [] };
  const { ca, issuer, now, days, isEndNamed } = input;
  const old = certificate.value;
  const lifetime = planLifetime(old, ca === undefined ? [issuer] : lifetimeCas(ca), days);
  const { notAfter, clipped } = planValidity(issuer, now, lifetime.days);
  const end = `${formatTime(notAfter)}${clipped ? ', when its CA expires' : ''}`;
  const change = describeLifetimeChange(lifetime);
  const oldEnd = formatTime(old.notAfter);
  return {
    summary: [
      isEndNamed ? 'the new one is valid until' : `valid until ${oldEnd}, the new one until`,
      `${end}${change === undefined ? '' : ` (${change})`}`,
    ].join(' '),
    evidence: [
      `the old certificate ends on ${oldEnd}`,
      ...(change === undefined ? [] : [`the lifetime changes: ${change}`]),
      `the new certificate is valid until ${end}`,
    ],
  };
}
