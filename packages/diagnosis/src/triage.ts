import { type ComponentState, nameOf } from './component-state.ts';
import {
  type CertificateInventory,
  type CertificateRow,
  expiresSoon,
  inspectCertificates,
  reportCertificates,
} from '@kube-rescue/cert-rotation';
import { isRecoveryError, toRfc3339 } from '@kube-rescue/errors';
import { baseName } from '@kube-rescue/host';
import { findRefusedCheckpoints, listManifests, type ManifestRow } from '@kube-rescue/static-manifests';
import {
  assertRecoverable,
  checkClock,
  type ClockJudgement,
  SET_CLOCK,
  findCertifiedNodeName,
  type Layout,
  type Node,
  type NodeDescription,
} from '@kube-rescue/node';
import type { Cause, Finding, NextStep } from './cause.ts';
import { checkUsedCertificates, findUsedProblems } from './certificates/used-certificates.ts';
import { nextStepOf, rankCauses } from './causes.ts';
import { adviseRows } from './certificates/row-advice.ts';
import { findForeignAddresses } from './configuration/addresses.ts';
import { findOutdatedCopies } from './configuration/kubeconfig-copies.ts';
import { findCertificateFindings, pathsOf } from './configuration/certificate-findings.ts';
import { findContradictions } from './configuration/contradictions.ts';
import { findUnreadableFlagFiles } from './configuration/named-files.ts';
import { findLostRequestSigners, findTokenKeyFaults } from './configuration/token-keys.ts';
import { findRenamedNode } from './configuration/node-name.ts';
import { countVoters, findEtcdNotices, findEtcdProblems, withEtcd } from './etcd/etcd-judgement.ts';
import { type EtcdReport, inspectEtcd } from './etcd/etcd-status.ts';
import { findOutage } from './failures/outage.ts';
import { readServiceStates } from './service-state.ts';

/** The causes of a node's outage, worst first. */
export interface Triage {
  readonly host: string;
  /** `copy`: read from a copy of files; no component, service, etcd or API server was asked. */
  readonly source: 'live' | 'copy';
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly layout: Layout | 'unsupported';
  /** `unknown`: nothing is known to be wrong, but a file could not be read, so that what it names was not checked. */
  readonly verdict: 'healthy' | 'unhealthy' | 'unknown';
  /** The verdict is `healthy`. */
  readonly healthy: boolean;
  readonly causes: readonly Cause[];
  /** What to do about the first cause; `null` without one. */
  readonly next: NextStep | null;
  /** Known defects that keep no component from its work, such as old copies of a kubeconfig. */
  readonly notices: readonly Finding[];
  readonly components: readonly ComponentState[];
  readonly certificates: readonly CertificateRow[];
  /** `null` on a copy, and on a node that runs neither etcd nor an API server. */
  readonly etcd: EtcdReport | null;
}

/** A hanging etcd must not delay a triage. */
const ETCD_TIMEOUT_MS = 700;

/**
 * Inspects a node and ranks the causes of its outage. Writes nothing, and works with everything down.
 *
 * @throws NodeError `NODE_NOT_FOUND`; ManifestError; HostError when a file exists but cannot be read
 */
export async function triageNode(node: Node, signal: AbortSignal): Promise<Triage> {
  const description = await node.describe();
  const now = node.clock.now();
  const inventory = await inspectCertificates(description.inspection, node);
  const certificates = reportCertificates(inventory, { now });
  const used = await checkUsedCertificates(description, inventory, { now }, node);
  const [clock, [seen, etcd]] = await Promise.all([
    checkClock(node, signal, inventory),
    node.host.kind === 'live'
      ? Promise.all([readComponents(description, node, signal), readEtcdStatus(description, node, signal)])
      : ([[], null] as const),
  ]);
  const components = etcd === null ? seen : withEtcd(seen, etcd);
  const unread = [...findUnread(description), ...used.unread];
  const configuration = await findConfigurationProblems(description, certificates, inventory, node);
  const outage = await findOutage(description, seen, node);
  const causes = rankCauses({
    clock: findWrongClock(clock),
    certificates,
    used: findUsedProblems(used.rows, pathsIn(configuration)),
    // An etcd that answers is not down; its problems are separate causes.
    components: (etcd?.cluster ?? null) === null ? seen : seen.filter(({ name }) => name !== 'etcd'),
    etcd: findEtcdProblems(etcd, seen.find(({ name }) => name === 'etcd')?.state === 'running'),
    configuration,
    // An etcd that answers lists its alarms itself.
    failures: outage.findings.filter(({ code }) => code !== 'ETCD_NO_SPACE' || (etcd?.cluster ?? null) === null),
    lastLines: outage.lastLines,
    layout: findLayoutProblem(description),
    manifests: unread,
    voters: countVoters(etcd),
  });
  return {
    host: node.host.name,
    source: node.host.kind,
    at: toRfc3339(now),
    layout: findLayoutProblem(description) === undefined ? description.layout : 'unsupported',
    verdict: verdictOf(
      causes,
      unread.filter((error) => !isRecoveryError(error, 'MANIFEST_DUPLICATE', 'KUBELET_CONFIGURATION_INVALID')),
    ),
    healthy: causes.length === 0,
    causes,
    next: nextStepOf(causes),
    notices: [
      ...description.staticPods.passedOver.map(noticePassedOver),
      ...clock.outliers.map(noticeOutlier),
      ...findEtcdNotices(etcd),
      ...(await findOutdatedCopies(description.adminKubeconfig, { host: node.host, now }, description.adminContext)),
    ],
    components,
    certificates: adviseRows([...certificates, ...used.rows], causes),
    etcd,
  };
}

/** The findings that name a file which is not there. */
const NAMES_FILES: readonly string[] = ['FLAG_FILE_MISSING', 'SERVICE_ACCOUNT_KEY_LOST'];

/** The files that a finding about flags names already. */
function pathsIn(configuration: readonly Finding[]): ReadonlySet<string> {
  const lines = configuration.filter(({ code }) => NAMES_FILES.includes(code)).flatMap(({ evidence }) => evidence);
  return new Set(lines.map((line) => /=(\/[^:]+)(?:: |$)/.exec(line)?.[1] ?? ''));
}

async function findConfigurationProblems(
  description: NodeDescription,
  certificates: readonly CertificateRow[],
  inventory: CertificateInventory,
  node: Node,
): Promise<readonly Finding[]> {
  const { components, kubelet } = description;
  // A lost certificate is made again with its key.
  const lost = inventory.certificates.filter(({ loss }) => loss !== undefined);
  const tokenKeys = await findTokenKeyFaults(components, node);
  const judged = new Set<string>([
    ...pathsOf(certificates),
    ...lost.map(({ keyLocation }) => keyLocation.path),
    ...tokenKeys.paths,
  ]);
  const findings = await Promise.all([
    findForeignAddresses(components, node),
    findUnreadableFlagFiles(components, judged, node),
    findContradictions(components, inventory, node),
    findLostRequestSigners(components, node),
    findRenamedNode(kubelet, await findCertifiedNodeName(description, node), node),
  ]);
  return [...findings.flat(), ...tokenKeys.findings];
}

function findWrongClock({ verdict, summary, evidence }: ClockJudgement): Finding | undefined {
  if (verdict === 'plausible') return undefined;
  const code = verdict === 'unconfirmed' ? 'CLOCK_UNCONFIRMED' : 'CLOCK_CONTRADICTED';
  return { code, summary, evidence, hint: SET_CLOCK };
}

function noticeOutlier(summary: string): Finding {
  const hint = 'the clock is believed: too little contradicts it; `touch` the file if the date is wrong';
  return { code: 'FILE_DATE_ODD', summary: `${summary}, which is later than now`, evidence: [], hint };
}

function noticePassedOver({
  code,
  message,
  subject,
  hint,
}: NodeDescription['staticPods']['passedOver'][number]): Finding {
  return { code, summary: `${subject}: ${message}`, evidence: [], hint };
}

function verdictOf(causes: readonly Cause[], unread: readonly Error[]): Triage['verdict'] {
  if (causes.length === 0) return 'healthy';
  const isUnread = ({ summary }: Cause): boolean => unread.some(({ message }) => message === summary);
  return causes.every(isUnread) ? 'unknown' : 'unhealthy';
}

/** A file that could not be read, so that what it names was not checked. */
export type UnreadFile = Pick<Cause, 'code' | 'hint'> & { readonly path: string; readonly message: string };

/** The rows of `certs check`, what is wrong apart from single certificates, and the files that could not be read: certificates named only there are missing in the rows. */
export interface CertificateCheck {
  readonly certificates: readonly CertificateRow[];
  readonly unread: readonly UnreadFile[];
  /** Flags that contradict each other although every file is good alone, and files of flags that cannot be opened. */
  readonly findings: readonly Finding[];
  /** Files of the manifest directory that are no manifests; nothing is missing in the rows because of them. */
  readonly passedOver: readonly UnreadFile[];
  /** What the problems among them come from, as `triage` ranks them; triage knows more of them, because it asks components too. */
  readonly causes: readonly Cause[];
  /** What to do about the first cause; `null` without one. */
  readonly next: NextStep | null;
}

/**
 * Checks every certificate of a node. Reads files only.
 *
 * @param options `warnWithinDays` default: 30, at most a third of a certificate's lifetime
 * @throws as `Node.describe`
 */
export async function checkCertificates(
  node: Node,
  options: { readonly warnWithinDays?: number | undefined },
): Promise<CertificateCheck> {
  const description = await node.describe();
  const inventory = await inspectCertificates(description.inspection, node);
  const judgement = { now: node.clock.now(), expiringWithinDays: options.warnWithinDays };
  const certificates = reportCertificates(inventory, judgement);
  const used = await checkUsedCertificates(description, inventory, judgement, node);
  const rows = [...certificates, ...used.rows];
  const findings = await findCertificateFindings(description.components, rows, inventory, node);
  const unread = [...findUnread(description), ...used.unread];
  const causes = rankCauses({
    ...{ certificates, configuration: findings, layout: findLayoutProblem(description), manifests: unread },
    used: findUsedProblems(used.rows, pathsIn(findings)),
    ...{ clock: undefined, components: [], etcd: [], failures: [], lastLines: new Map(), voters: 0 },
  });
  return {
    certificates: adviseRows(rows, causes),
    findings,
    causes,
    next: nextStepOf(causes),
    unread: unread.map(describeUnread),
    passedOver: description.staticPods.passedOver.map(describeUnread),
  };
}

/**
 * Whether a row expires within so many days; default: 30, at most a third of its lifetime. False without a readable certificate.
 */
export function dueWithin(
  expiringWithinDays: number | undefined,
  now: Date,
): (row: Pick<CertificateRow, 'notBefore' | 'notAfter'>) => boolean {
  return ({ notBefore, notAfter }) =>
    notBefore !== null &&
    notAfter !== null &&
    expiresSoon({ notBefore: new Date(notBefore), notAfter: new Date(notAfter) }, now, { expiringWithinDays });
}

/** Configurations of the kubelet, static pods and checkpoints that cannot be read: their flags are unknown. */
function findUnread({ staticPods, checkpoints, kubelet }: NodeDescription): readonly Error[] {
  return [...kubelet.problems, ...staticPods.problems, ...findRefusedCheckpoints(checkpoints, kubelet)];
}

function describeUnread(error: Error): UnreadFile {
  if (!isRecoveryError(error)) throw error;
  const { code, message, subject, hint } = error;
  return { code, path: subject ?? '', message, hint };
}

/** The rows of `manifests list`. */
export async function listStaticPods(node: Node): Promise<readonly ManifestRow[]> {
  return listManifests((await node.describe()).staticPods, node);
}

function findLayoutProblem(description: NodeDescription): Error | undefined {
  try {
    assertRecoverable(description);
    return undefined;
  } catch (error) {
    if (isRecoveryError(error)) return error;
    throw error;
  }
}

async function readEtcdStatus(
  { components }: NodeDescription,
  node: Node,
  signal: AbortSignal,
): Promise<EtcdReport | null> {
  const isServed = components.some(({ component }) => component === 'etcd' || component === 'kube-apiserver');
  return isServed ? inspectEtcd(node, { timeoutMs: ETCD_TIMEOUT_MS }, signal) : null;
}

async function readComponents(
  description: NodeDescription,
  node: Node,
  signal: AbortSignal,
): Promise<readonly ComponentState[]> {
  const { running, notBelieved } = description.kubelet;
  const kubelet: ComponentState = {
    name: 'kubelet',
    state: running === undefined ? 'stopped' : 'running',
    healthy: undefined,
    detail: [running === undefined ? 'no process' : `process ${running.pid}`, ...notBelieved].join('; '),
  };
  const pods = (await listManifests(description.staticPods, node)).map(
    ({ component, path, running: process, health }): ComponentState => ({
      name: nameOf(path, description) ?? component,
      state: process === undefined ? 'stopped' : 'running',
      healthy: health === undefined || health.state === 'unknown' ? undefined : health.state === 'healthy',
      detail: health?.evidence ?? 'no process',
    }),
  );
  const reading = await node.api.read('/readyz', signal);
  const answers = reading.state === 'answered';
  const api: ComponentState = {
    name: 'API',
    state: answers ? 'running' : 'stopped',
    healthy: answers && reading.status === 200,
    detail: answers ? `answers ${reading.status} to ${baseName(description.adminKubeconfig)}` : reading.reason,
  };
  return [kubelet, ...(await readServiceStates(description, node)), ...pods, ...listDormant(description), api];
}

/** Checkpointed pods that the kubelet does not run: normal while their parents run. */
function listDormant({ checkpoints }: NodeDescription): readonly ComponentState[] {
  return checkpoints.checkpoints
    .filter(({ active }) => active === undefined)
    .map(({ component, pod }) => ({
      name: `checkpoint of ${component}`,
      state: 'unknown',
      healthy: undefined,
      detail: `inactive while its parent runs; kept in ${pod.manifest.path}`,
    }));
}
