import type { Clock } from '@kube-rescue/host';
import type { Finding, Playbook, Step, StepId, Verdict } from '@kube-rescue/workflow';
import { chooseCredentials } from '../cluster/cluster-credentials.ts';
import { readClusterDns } from '../cluster/cluster-dns.ts';
import { type ObjectReader, openClusterReading } from '../cluster/cluster-reading.ts';
import { describeController } from '../cluster/controllers.ts';
import type { ClusterCredentials } from '../cluster/found-credentials.ts';
import type { Condition, ConditionId } from '../conditions/condition.ts';
import { type AwsCredentials, maskAccessKeyId } from '../credentials/aws-credentials.ts';
import { checkIngressDns, type DnsCheckDeps, type DnsCheckInput, type DnsReport } from '../dns-check.ts';
import type { WantedName } from '../conditions/record-condition.ts';
import { planCredentialPatches } from './credential-patches.ts';
import type { ObjectPatch } from './credential-patches.ts';

export interface NewCredentialsInput extends Pick<DnsCheckInput, 'awsClient' | 'dns' | 'endpoint'> {
  readonly keys: AwsCredentials;
  /** `NAMESPACE/NAME` of the workload that gets the keys. Default: the known DNS controller. */
  readonly controller?: string | undefined;
  /** Names that must resolve at the end. Default: those of the cluster's Ingresses, Services and IngressRoutes. */
  readonly names?: readonly WantedName[] | undefined;
  /** How long to wait for the names. Default: five minutes. */
  readonly timeoutMs?: number | undefined;
}

/** Id, title and requirements of a step that changes one object. */
export interface StepNaming {
  readonly id: StepId;
  readonly title: string;
  readonly requires: readonly StepId[];
}

export interface NewCredentialsDeps extends DnsCheckDeps {
  readonly clock: Clock;
  readonly objects: ObjectReader;
  /** Creates the journalled step that applies a patch by compare-and-swap. */
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
/** Conditions that must hold before the keys are written; the new keys bring about the others. */
const FIT: readonly ConditionId[] = ['credentials', 'form', 'identity', 'list', 'zone', 'change'];

/**
 * Replaces the keys of a DNS controller: checks the new keys, writes them where the controller reads them, restarts the
 * controller, and waits until every name resolves and answers.
 *
 * The controller creates the records. The first phase throws IngressDnsErrors and ObjectErrors before anything is written.
 */
export function createCredentialsPlaybook(input: NewCredentialsInput, deps: NewCredentialsDeps): Playbook {
  let found: Work | undefined;
  const look = async (signal: AbortSignal): Promise<Work> => {
    // Once: later the cluster holds the new keys.
    found ??= await findWork(input, deps, signal);
    return found;
  };
  return {
    id: 'dns-credentials',
    title: 'Replace the AWS credentials of the ingress DNS provider',
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
              title: `restart ${describeController(work.used.controller)} with the new keys`,
              requires: [JUDGE, ...writing.map(({ naming }) => naming.id)],
            },
          };
          const steps = writing.map(({ patch, naming }) => deps.patchStep(patch, naming, signal));
          const restarting = await deps.patchStep(restart.patch, restart.naming, signal);
          const restarts = [describeController(work.used.controller)];
          return [
            createJudgeStep(input, work, deps),
            ...(await Promise.all(steps)),
            { ...restarting, check: async (each: AbortSignal) => ({ ...(await restarting.check(each)), restarts }) },
          ];
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
  { keys, awsClient, dns, endpoint }: NewCredentialsInput,
  { used, names }: Work,
  deps: NewCredentialsDeps,
  signal: AbortSignal,
): Promise<DnsReport> {
  const source = { ...used.source, where: 'the new credentials', keys, ambient: undefined };
  const region = awsClient?.region ?? source.region;
  return checkIngressDns({ source, names, awsClient: { ...awsClient, region }, dns, endpoint, signal }, deps);
}

function createJudgeStep(input: NewCredentialsInput, work: Work, deps: NewCredentialsDeps): Step {
  return {
    id: JUDGE,
    title: 'check the new keys with STS and Route 53',
    requires: [],
    reversible: 'yes',
    check: async (signal): Promise<Finding> => {
      const { conditions, identity } = await judge({ ...input, endpoint: undefined }, work, deps, signal);
      const unfit = conditions.find(({ id, status }) => FIT.includes(id) && status !== 'ok');
      const evidence = [
        `access key ${maskAccessKeyId(input.keys.accessKeyId)}`,
        ...(identity === undefined ? [] : [identity.arn]),
      ];
      if (unfit === undefined) return { status: 'ok', summary: 'the new keys have the needed permissions', evidence };
      const { summary, code, hint } = unfit;
      return {
        status: 'blocked',
        summary: `the new keys do not work: ${summary}`,
        evidence: [...evidence, ...unfit.evidence],
        code: code ?? 'DNS_CREDENTIALS_UNREADABLE',
        subject: unfit.subject,
        hint: hint ?? 'check them with: `kube-rescue dns check --aws-credentials FILE`',
      };
    },
    plan: () => [],
    apply: async () => undefined,
    verify: async () => ({ verified: true, evidence: [] }),
  };
}

/** Waits until the controller has created the records and the names resolve. Changes nothing. */
function createNamesStep(input: NewCredentialsInput, work: Work, deps: NewCredentialsDeps): Step {
  let waitingFor = (_what: string): void => undefined;
  const look = async (signal: AbortSignal): Promise<Verdict> => verdictOf(await judge(input, work, deps, signal));
  return {
    id: 'dns/names',
    title: 'verify that every name resolves and answers',
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

/** A stale resolver cache does not disprove the records. */
function verdictOf({ conditions, causes }: DnsReport): Verdict {
  const bad = [...causes, ...conditions.filter(({ status }) => status === 'unknown')].find(
    ({ code }) => code !== 'DNS_RESOLVER_STALE',
  );
  if (bad !== undefined) {
    return { verified: false, reason: `${bad.id} of ${bad.subject}: ${bad.summary}`, hint: bad.hint };
  }
  const names = conditions.filter(({ id }) => id === 'resolution');
  return { verified: true, evidence: names.map(describeName) };
}

function describeName({ subject, summary, status }: Condition): string {
  return status === 'ok' ? `${subject}: ${summary}` : `${subject}: the name servers answer, but ${summary}`;
}
