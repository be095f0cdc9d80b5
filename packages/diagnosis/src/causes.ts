import type { Cause, Finding, NextStep } from './cause.ts';
import { type CertificateRow, joinPlural, joinSubject } from '@kube-rescue/cert-rotation';
import { isRecoveryError } from '@kube-rescue/errors';
import { type ComponentState, isDown } from './component-state.ts';

interface Evidence {
  /** The clock, when the evidence contradicts it or does not support it. */
  readonly clock: Finding | undefined;
  readonly certificates: readonly CertificateRow[];
  /** Certificates outside of the catalogue, which no recovery renews. */
  readonly used: readonly Finding[];
  readonly components: readonly ComponentState[];
  readonly etcd: readonly Finding[];
  /** What is wrong in flags, files and names, apart from certificates. */
  readonly configuration: readonly Finding[];
  /** Why components are down, apart from certificates. */
  readonly failures: readonly Finding[];
  /** The last log lines of components whose failure is not explained, by name. */
  readonly lastLines: ReadonlyMap<string, readonly string[]>;
  readonly layout: Error | undefined;
  readonly manifests: readonly Error[];
  /** Voting members of etcd; with more than one, this is one of several control-plane nodes. */
  readonly voters: number;
}

/** The outage that each invalid certificate causes, in the order of a control plane's dependencies. */
const CONSEQUENCES: readonly (readonly [id: string, consequence: string])[] = [
  ['ca/cluster', 'nothing that it signed can be renewed'],
  ['ca/etcd', 'nothing that it signed can be renewed'],
  ['ca/etcd-peer', 'nothing that it signed can be renewed'],
  ['ca/front-proxy', 'nothing that it signed can be renewed'],
  ['kubelet-client', 'the kubelet does not start, nor do static pods'],
  ['etcd/server', 'the API server refuses etcd'],
  ['etcd/peer', 'etcd members refuse each other'],
  ['apiserver-etcd-client', 'etcd refuses the API server'],
  ['apiserver', 'every client refuses the API server'],
  ['apiserver-kubelet-client', 'kubelets refuse the API server: no logs, no exec'],
  ['front-proxy-client', 'extension API servers refuse the API server'],
  ['controller-manager.conf', 'the API server refuses the controller manager: nothing is created or replaced'],
  ['scheduler.conf', 'the API server refuses the scheduler: no new pod gets a node'],
  ['etcd/healthcheck-client', 'health checks of etcd fail'],
  ['admin.conf', 'kubectl does not work on this node'],
  ['super-admin.conf', 'kubectl does not work with super-admin.conf'],
  ['kubelet-serving', 'clients that verify the kubelet refuse it'],
];
/** The certificate problems that a recovery fixes while the CA key is present. */
const RENEWABLE: readonly string[] = [
  'PKI_CERTIFICATE_EXPIRED',
  'PKI_CERTIFICATE_NOT_YET_VALID',
  'PKI_CHAIN_BROKEN',
  'PKI_NAME_MISSING',
  'PKI_CERTIFICATE_LOST',
];
const RECOVER = 'read the plan with `kube-rescue plan`, then `kube-rescue recover`';
const PLAN = { command: 'plan', text: 'lists the changes and makes none; then `kube-rescue recover`' } as const;
const PLAN_EACH = { ...PLAN, text: `${PLAN.text}, on each control-plane node` } as const;
/** Where the layout is refused, a recovery is too. */
const RENEW = 'renew it with `kube-rescue certs renew` on this node, then restart what uses it; see the refused layout';
/** A wrong clock makes good certificates look expired, and what is issued by it is worthless. */
const SET_CLOCK_FIRST = 'the clock is not to be believed: set it first, then run `kube-rescue triage` again';
/** One of several control-plane nodes: each recovers its own files, and etcd needs a majority of them. */
const RECOVER_EACH = 'read the plan with `kube-rescue plan`, then `kube-rescue recover`, on each control-plane node';
const KEY_FIRST = 'those above need the CA key first';
/** A worker never gets the CA key. */
const RENEW_OTHERS = 'those above are not renewed on this node';
const RESTART = 'restart it: `kube-rescue recover`';
const FOLLOWS = 'follows from the';
const BLOCKED = 'cannot be renewed on this node as it is, see above';
const CLOCK = 'PKI_CLOCK_BEFORE_CA';
/** Every verifier checks the dates of the CA too (RFC 5280, section 6.1.3). */
const UNTRUSTED: readonly string[] = ['PKI_CA_EXPIRED', CLOCK];
const KEY_MISSING: readonly string[] = ['PKI_CA_KEY_MISSING', 'PKI_CA_KEY_MISMATCH', 'PKI_CA_KEY_ELSEWHERE'];

/** What to do about certificates that can be renewed, and about a group of which only some can. */
interface Advice {
  readonly renewal: string;
  readonly partial: string;
}

/** Ranks the causes: the clock, the configuration, what else keeps components down, then missing CA keys, then the others by their dependencies. Equal causes are merged. Pure. */
export function rankCauses({
  clock: wrongClock,
  certificates,
  used,
  components,
  etcd,
  configuration,
  failures,
  lastLines,
  layout,
  manifests,
  voters,
}: Evidence): readonly Cause[] {
  const bad = certificates.filter(({ status }) => status === 'problem').toSorted((a, b) => weightOf(a) - weightOf(b));
  const blocking = findMissingKeys(certificates, bad);
  const isBlocked = ({ issuer }: CertificateRow): boolean => blocking.some(({ ca }) => ca.id === issuer);
  const isClockWrong = wrongClock !== undefined || bad.some((row) => weightOf(row) === -1);
  const standing = layout !== undefined ? RENEW : voters > 1 ? RECOVER_EACH : RECOVER;
  const isElsewhere = blocking.every(({ cause }) => cause.code === 'PKI_CA_KEY_ELSEWHERE');
  const advice: Advice = {
    renewal: isClockWrong ? SET_CLOCK_FIRST : standing,
    partial: isElsewhere ? RENEW_OTHERS : KEY_FIRST,
  };
  const groups = [...Map.groupBy(bad, groupOf).values()];
  const [clock = [], others = []] = [true, false].map((isClock) =>
    groups
      .filter(([row]) => (row !== undefined && weightOf(row) === -1) === isClock)
      .map((rows) => causeOf(rows, isBlocked, advice)),
  );
  const errors = [layout, ...manifests].filter((error) => isRecoveryError(error));
  const structural = [...new Map(errors.map((error) => [error.message, error])).values()].map(
    ({ code, message, subject, hint }) => ({
      code,
      summary: message,
      evidence: subject === undefined ? [] : [subject],
      hint,
    }),
  );
  const down = components.filter(isDown);
  const advise = (): string => {
    if (bad.length + used.length > 0 && failures.length === 0) return `${FOLLOWS} certificates above`;
    if (configuration.length + failures.length > 0) return `${FOLLOWS} problems above`;
    if (etcd.length > 0) return `${FOLLOWS} problems of etcd above`;
    const restart =
      layout !== undefined
        ? 'restart it by hand; see the refused layout'
        : voters > 1
          ? 'start the kubelet of this node: systemctl start kubelet'
          : RESTART;
    const hasLines = down.some(({ name }) => (lastLines.get(name) ?? []).length > 0);
    return hasLines ? `fix what the last lines of its log report; then ${restart}` : restart;
  };
  const reason = advise();
  const stopped: readonly Finding[] =
    down.length === 0
      ? []
      : [
          {
            code: 'COMPONENT_DOWN',
            summary: `not running or not healthy: ${down.map(({ name }) => name).join(', ')}`,
            evidence: down.flatMap(({ name, detail }) => [`${name}: ${detail}`, ...(lastLines.get(name) ?? [])]),
            hint: reason,
            isConsequence: reason.startsWith(FOLLOWS) ? true : undefined,
            fixedBy: reason === RESTART ? 'recover' : undefined,
          },
        ];
  const blockers = blocking.map(({ cause }) => cause);
  const first = wrongClock === undefined ? [] : [wrongClock];
  return [
    ...first,
    ...clock,
    ...configuration,
    ...failures,
    ...structural,
    ...blockers,
    ...others,
    ...used,
    ...etcd,
    ...stopped,
  ].map((cause, index) => ({
    rank: index + 1,
    ...cause,
  }));
}

function weightOf(row: CertificateRow): number {
  if (row.problems.some(({ code }) => code === CLOCK)) return -1;
  const index = CONSEQUENCES.findIndex(([id]) => id === row.id);
  return index === -1 ? CONSEQUENCES.length : index;
}

function problemsOf({ problems }: CertificateRow): CertificateRow['problems'] {
  return problems.filter(({ severity }) => severity === 'problem');
}

/** Certificates with the same single problem have one cause; the certificates of one `kubeadm init` end seconds after each other. */
function groupOf(row: CertificateRow): string {
  const [first, ...more] = problemsOf(row);
  return first === undefined || more.length > 0 ? row.id : `${first.code} ${dayOf(first.message)}`;
}

/** A message that names a day where it named a time. */
function dayOf(message: string): string {
  return message.replaceAll(/(\d{4}-\d\d-\d\d) \d\d:\d\d:\d\d UTC/g, '$1');
}

/** A missing CA key blocks every renewal below that CA, although valid certificates keep working. */
function findMissingKeys(
  certificates: readonly CertificateRow[],
  bad: readonly CertificateRow[],
): readonly { readonly ca: CertificateRow; readonly cause: Finding }[] {
  return certificates.flatMap((ca) => {
    const missing = ca.problems.find(({ code }) => KEY_MISSING.includes(code));
    const waiting = bad.filter(
      (row) => row.issuer === ca.id && problemsOf(row).some(({ code }) => RENEWABLE.includes(code)),
    );
    if (missing === undefined || waiting.length === 0) return [];
    const cause = {
      code: missing.code,
      summary: `${count(waiting.length)} cannot be renewed: ${missing.message}`,
      evidence: waiting.map(({ name, path }) => `${name}: ${path}`),
      certificates: waiting.map(({ id }) => id),
      hint: missing.hint,
    };
    return [{ ca, cause }];
  });
}

function count(certificates: number): string {
  return certificates === 1 ? '1 certificate' : `${certificates} certificates`;
}

function causeOf(
  rows: readonly CertificateRow[],
  isBlocked: (row: CertificateRow) => boolean,
  advice: Advice,
): Finding {
  const [row] = rows;
  if (row === undefined) throw new Error('a group has at least one certificate');
  const [first] = problemsOf(row);
  const messages = rows.map((each) => problemsOf(each)[0]?.message ?? 'invalid');
  const [message = 'invalid'] = messages;
  const isSame = messages.every((each) => each === message);
  const consequence = consequenceOf(row);
  const hint = RENEWABLE.includes(first?.code ?? '') ? renewalOf(rows, isBlocked, advice) : first?.hint;
  const isReissued = first?.code === 'PKI_CA_EXPIRED' && rows.every(hasKey);
  return {
    code: first?.code ?? 'PKI_CERTIFICATE_INVALID',
    summary:
      rows.length === 1
        ? `${joinSubject(row.name, message)}${consequence === undefined ? '' : `; ${consequence}`}`
        : joinPlural(count(rows.length), isSame ? message : dayOf(message)),
    evidence:
      rows.length === 1
        ? row.problems.map((problem) => joinSubject(problem.subject || row.path, problem.message))
        : rows.map((each) => [`${each.name} (${each.path})`, consequenceOf(each)].filter(Boolean).join(': ')),
    hint,
    certificates: rows.map(({ id }) => id),
    isConsequence: hint === BLOCKED ? true : undefined,
    fixedBy:
      hint === RECOVER || hint === RECOVER_EACH || (isReissued && advice.renewal === RECOVER) ? 'recover' : undefined,
  };
}

function renewalOf(
  rows: readonly CertificateRow[],
  isBlocked: (row: CertificateRow) => boolean,
  { renewal, partial }: Advice,
): string {
  if (rows.every(isBlocked)) return BLOCKED;
  const others = rows.filter((row) => !isBlocked(row)).map(({ id }) => id);
  if (others.length === rows.length) return renewal;
  return `${partial}; renew the others by name: \`kube-rescue certs renew ${others.join(' ')}\``;
}

function hasKey({ problems }: CertificateRow): boolean {
  return !problems.some(({ code }) => KEY_MISSING.includes(code));
}

/** The step that the first cause asks for; the others are judged again after it. `null`: there is no cause. */
export function nextStepOf(causes: readonly Pick<Cause, 'hint' | 'summary' | 'fixedBy'>[]): NextStep | null {
  const [first] = causes;
  if (first === undefined) return null;
  if (first.fixedBy === 'recover') return first.hint === RECOVER_EACH ? PLAN_EACH : PLAN;
  return { command: null, text: first.hint ?? first.summary };
}

function consequenceOf({ id, problems }: CertificateRow): string | undefined {
  if (problems.some(({ code }) => UNTRUSTED.includes(code))) return 'nothing that it signed is accepted';
  return CONSEQUENCES.find(([known]) => known === id)?.[1];
}
