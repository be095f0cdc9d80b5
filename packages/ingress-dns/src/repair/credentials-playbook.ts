import type { Clock } from '@kube-rescue/host';
import type { Finding, Playbook, Step, StepId, Verdict } from '@kube-rescue/workflow';
import { chooseCredentials } from '../cluster/cluster-credentials.ts';
import { readClusterDns } from '../cluster/cluster-dns.ts';
import { type ObjectReader, openClusterReading } from '../cluster/cluster-reading.ts';
import { describeController } from '../cluster/controllers.ts';
import type { ClusterCredentials } from '../cluster/found-credentials.ts';
import type { Link, LinkId } from '../conditions/condition.ts';
import { type AwsCredentials, maskAccessKeyId } from '../credentials/aws-credentials.ts';
import { checkIngressDns, type DnsCheckDeps, type DnsCheckInput, type DnsReport } from '../dns-check.ts';
import type { WantedName } from '../wanted-name.ts';
import { planCredentialPatches } from './credential-patches.ts';
import type { ObjectPatch } from './object-patch.ts';

export interface NewCredentialsInput extends Pick<DnsCheckInput, 'way' | 'dns' | 'endpoint'> {
  readonly keys: AwsCredentials;
  /** `NAMESPACE/NAME` of the workload that gets them. Default: the one that is known for keeping records. */
  readonly controller?: string | undefined;
  /** Names that are to resolve in the end. Default: those that the cluster wants. */
  readonly names?: readonly WantedName[] | undefined;
  /** How long the names are waited for. Default: five minutes. */
  readonly timeoutMs?: number | undefined;
}

/** How a step that changes one object is called. */
export interface StepNaming {
  readonly id: StepId;
  readonly title: string;
  readonly requires: readonly StepId[];
}

export interface NewCredentialsDeps extends DnsCheckDeps {
  readonly clock: Clock;
  readonly objects: ObjectReader;
  /** Makes the step that applies a patch by compare-and-swap, journalled: whoever owns `object.replace` knows how. */
  readonly patchStep: (patch: ObjectPatch, naming: StepNaming, signal: AbortSignal) => Promise<Step>;
}

interface Work {
  readonly used: ClusterCredentials;
  readonly names: readonly WantedName[];
}

const JUDGE: StepId = 'dns/judge-credentials';
const RESTART: StepId = 'dns/restart-controller';
const TIMEOUT_MS = 5 * 60_000;
const INTERVAL_MS = 3000;
/** What must be good before keys are written; the links behind them are what the keys are to bring about. */
const FIT: readonly LinkId[] = ['credentials', 'form', 'identity', 'list', 'zone', 'change'];

/**
 * Gives the workload that keeps DNS records other keys: judges them first, writes them where the workload reads them, makes
 * it start anew, and waits until every name resolves and answers.
 *
 * The workload makes the records, not we. Its first phase throws IngressDnsErrors and ObjectErrors before anything is
 * written.
 */
export function createCredentialsPlaybook(input: NewCredentialsInput, deps: NewCredentialsDeps): Playbook {
  let found: Work | undefined;
  const look = async (signal: AbortSignal): Promise<Work> => {
    // Once: with the new keys in place there is nothing else to be found.
    found ??= await findWork(input, deps, signal);
    return found;
  };
  return {
    id: 'dns-credentials',
    title: 'Give the ingress DNS provider new AWS credentials',
    phases: [
      {
        id: 'credentials',
        title: 'AWS credentials',
        steps: async (signal) => {
          const work = await look(signal);
          const patches = await planCredentialPatches(work.used, input.keys, openClusterReading(deps.objects, signal));
          const writing = patches.secrets.map((patch, index) => ({
            patch,
            naming: {
              id: patches.secrets.length === 1 ? 'dns/write-credentials' : `dns/write-credentials/${index + 1}`,
              title: `write the new keys into ${patch.reference.kind.kind} ${patch.reference.namespace ?? ''}/${patch.reference.name}`,
              requires: [JUDGE],
            },
          }));
          const restart = {
            patch: patches.controller,
            naming: {
              id: RESTART,
              title: `make ${describeController(work.used.controller)} start with them`,
              requires: [JUDGE, ...writing.map(({ naming }) => naming.id)],
            },
          };
          const steps = await Promise.all(
            [...writing, restart].map(({ patch, naming }) => deps.patchStep(patch, naming, signal)),
          );
          return [createJudgeStep(input, work, deps), ...steps];
        },
      },
      {
        id: 'names',
        title: 'Names',
        steps: async (signal) => [createNamesStep(input, await look(signal), deps)],
      },
    ],
  };
}

async function findWork(input: NewCredentialsInput, deps: NewCredentialsDeps, signal: AbortSignal): Promise<Work> {
  const { credentials, names } = await readClusterDns(deps.objects, signal);
  return { used: chooseCredentials(credentials, input.controller), names: input.names ?? names };
}

function judge(
  { keys, way, dns, endpoint }: NewCredentialsInput,
  { used, names }: Work,
  deps: NewCredentialsDeps,
  signal: AbortSignal,
): Promise<DnsReport> {
  const source = { ...used.source, where: 'the new credentials', keys, ambient: undefined };
  const region = way?.region ?? source.region;
  return checkIngressDns({ source, names, way: { ...way, region }, dns, endpoint, signal }, deps);
}

function createJudgeStep(input: NewCredentialsInput, work: Work, deps: NewCredentialsDeps): Step {
  return {
    id: JUDGE,
    title: 'judge the new keys with STS and Route 53',
    requires: [],
    reversible: 'yes',
    check: async (signal): Promise<Finding> => {
      const { links, identity } = await judge({ ...input, endpoint: undefined }, work, deps, signal);
      const unfit = links.find(({ id, status }) => FIT.includes(id) && status !== 'ok');
      const evidence = [
        `access key ${maskAccessKeyId(input.keys.accessKeyId)}`,
        ...(identity === undefined ? [] : [identity.arn]),
      ];
      if (unfit === undefined) return { status: 'ok', summary: 'they are good for what they are needed for', evidence };
      const { summary, code, hint } = unfit;
      return {
        status: 'blocked',
        summary: `the new keys are no good: ${summary}`,
        evidence: [...evidence, ...unfit.evidence],
        code: code ?? 'DNS_CREDENTIALS_UNREADABLE',
        subject: unfit.subject,
        hint: hint ?? 'judge them with: kube-rescue dns check --aws-credentials FILE',
      };
    },
    plan: () => [],
    apply: async () => undefined,
    verify: async () => ({ verified: true, evidence: [] }),
  };
}

/** A step without changes: it waits until the controller has made the records, and the world knows them. */
function createNamesStep(input: NewCredentialsInput, work: Work, deps: NewCredentialsDeps): Step {
  let waitingFor = (_what: string): void => undefined;
  const look = async (signal: AbortSignal): Promise<Verdict> => verdictOf(await judge(input, work, deps, signal));
  return {
    id: 'dns/names',
    title: 'see every name resolve and answer',
    requires: [RESTART],
    reversible: 'no',
    isProof: true,
    check: async (signal): Promise<Finding> => {
      const verdict = await look(signal);
      return verdict.verified
        ? { status: 'ok', summary: 'every name resolves and answers', evidence: verdict.evidence }
        : { status: 'needed', summary: verdict.reason, evidence: [] };
    },
    plan: () => [],
    apply: async (_changes, journal) => {
      waitingFor = (what) => journal.waitingFor(what);
    },
    verify: async (signal) => {
      const deadline = deps.clock.now().getTime() + (input.timeoutMs ?? TIMEOUT_MS);
      for (;;) {
        const verdict = await look(signal);
        if (verdict.verified || deps.clock.now().getTime() >= deadline) return verdict;
        waitingFor(verdict.reason);
        await deps.clock.sleep(INTERVAL_MS, signal);
      }
    },
  };
}

/** A resolver that still remembers the time before proves nothing against the records. */
function verdictOf({ links, causes }: DnsReport): Verdict {
  const bad = [...causes, ...links.filter(({ status }) => status === 'unknown')].find(
    ({ code }) => code !== 'DNS_RESOLVER_STALE',
  );
  if (bad !== undefined) {
    return { verified: false, reason: `${bad.id} of ${bad.subject}: ${bad.summary}`, hint: bad.hint };
  }
  const names = links.filter(({ id }) => id === 'resolution');
  return { verified: true, evidence: names.map(describeName) };
}

function describeName({ subject, summary, status }: Link): string {
  return status === 'ok' ? `${subject}: ${summary}` : `${subject}: the name servers answer; ${summary}`;
}
