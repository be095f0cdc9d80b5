import type { DnsReport } from '@kube-rescue/ingress-dns';
import type { EtcdSearch, ObjectsVia } from '@kube-rescue/node';
import { describeError, isRecoveryError } from '@kube-rescue/errors';
import type { IngressDnsPhases } from '@kube-rescue/recovery';
import type { Phase } from '@kube-rescue/workflow';
import { Flags } from '@oclif/core';
import type { Answer } from '../base-command.ts';
import { usageError } from '../envelope.ts';
import { seconds } from '../flags.ts';
import type { PlanAnswer } from '../playbook-run.ts';
import type { RunAnswer } from '../run-answer.ts';
import { EXIT } from '../exit-codes.ts';
import { renderConditions } from '../render/dns-conditions.ts';
import { oneLine } from '../render/text.ts';
import { ingressDns, type Session } from '../wiring.ts';
import { readSource, readClientConfig } from './credential-input.ts';
import { controllerFlag, nameFlags, toProbes } from './dns-flags.ts';
import { chooseVia } from '../objects-via.ts';
import { openIngressObjects } from './node-objects.ts';
import { completeWebIdentity } from './web-identity.ts';

const { resolver, scheme, port, probe, 'dns-port': dnsPort } = nameFlags;

/** Flags of a recovery about the AWS credentials of the ingress DNS provider. */
export const recoveryDnsFlags = {
  'aws-credentials': Flags.string({
    description: 'file with new keys of the ingress DNS provider (JSON, a credentials file, or AWS_…= lines)',
    helpValue: 'FILE',
    helpGroup: 'AWS',
  }),
  controller: controllerFlag,
  resolver,
  'dns-port': dnsPort,
  scheme,
  port,
  probe,
  wait: seconds({
    description: 'how long to wait for the names: seconds, or 5m',
    default: 300,
    aliases: ['dns-wait'],
    helpGroup: 'DNS',
  }),
};

/** The values of {@link recoveryDnsFlags}. */
export interface RecoveryDnsValues {
  readonly 'aws-credentials': string | undefined;
  readonly controller: string | undefined;
  readonly resolver: readonly string[] | undefined;
  readonly 'dns-port': number;
  readonly scheme: 'http' | 'https';
  readonly port: number | undefined;
  readonly probe: boolean;
  readonly wait: number;
}

/** Source of the objects of the cluster. */
interface ObjectSource {
  /** Default: the API server while it answers, etcd otherwise. */
  readonly via: ObjectsVia | undefined;
  readonly search: EtcdSearch;
}

/** Ingress DNS in a recovery. */
export interface RecoveryDns {
  /**
   * Its phases: with new keys those that restore the names, without them one that reports the problems. None on a copy of a node.
   * @param via where the cluster's objects are. Default: as `ObjectSource`
   */
  phases(via: ObjectsVia | undefined): Promise<IngressDnsPhases | undefined>;
  /**
   * Adds the problems of the ingress DNS provider to the answer of a recovery, and exit 3 for them. Adds nothing when no
   * workload of the cluster manages DNS records, or the cluster is unavailable.
   */
  complete(answer: Answer<RunAnswer | PlanAnswer>): Promise<Answer>;
}

export function openRecoveryDns(flags: RecoveryDnsValues, objectSource: ObjectSource, session: Session): RecoveryDns {
  let judged: Judgement | undefined;
  const judge = async (): Promise<Judgement> => (judged = await judgeClusterDns(flags, objectSource, session));
  return {
    phases: async (via) => {
      if (session.host.kind === 'copy') return undefined;
      if (flags['aws-credentials'] !== undefined) {
        return createKeyPhases(flags, flags['aws-credentials'], { ...objectSource, via }, session);
      }
      return { credentials: undefined, names: await createJudgementPhase(judge, objectSource, session) };
    },
    complete: async (answer) => {
      if (session.host.kind === 'copy' || (judged === undefined && answer.exitCode !== EXIT.done)) return answer;
      const { steps = [] } = answer.result;
      const { hasReportedJudgement } = await import('@kube-rescue/recovery');
      const isReported = hasReportedJudgement(steps);
      const { report, problem } = judged ?? (await judge());
      if (problem !== undefined && !isReported) session.reporter.warn(problem);
      if (report === undefined) return answer;
      const isBroken = report.causes.length > 0;
      return {
        ...answer,
        result: { ...answer.result, ingressDns: report },
        exitCode: isBroken ? EXIT.problems : answer.exitCode,
        text: (terminal) =>
          isBroken ? `${renderConditions(report, terminal)}\n\n${answer.text(terminal)}` : answer.text(terminal),
      };
    },
  };
}

async function createKeyPhases(
  flags: RecoveryDnsValues,
  file: string,
  objectSource: ObjectSource,
  session: Session,
): Promise<IngressDnsPhases> {
  const given = toCredentialValues(flags);
  const { keys, where, roles } = await readSource(given, session);
  if (keys === undefined || roles.length > 0) {
    throw usageError('not static access keys', where, `give an access key id with its secret in ${file}`);
  }
  const { createIngressDnsPhases } = await import('@kube-rescue/recovery');
  const input = {
    keys,
    controller: flags.controller,
    awsClient: await readClientConfig(given, undefined, session),
    ...toProbes({ ...flags, domain: undefined, target: undefined }),
    timeoutMs: flags.wait * 1000,
  };
  const objects = await openIngressObjects(objectSource, session);
  return createIngressDnsPhases(input, { ...objects, host: session.localFiles.host, clock: session.clock });
}

async function createJudgementPhase(
  judge: () => Promise<Judgement>,
  objectSource: ObjectSource,
  session: Session,
): Promise<Phase> {
  const { createIngressJudgementPhase } = await import('@kube-rescue/recovery');
  return createIngressJudgementPhase({
    // With the API server down, DNS is not the next problem.
    isDue: async () => (await chooseVia(session)) === 'api' && (await managesRecords(objectSource, session)),
    judge: async () => {
      const { problem, report } = await judge();
      return {
        problem,
        evidence: (report?.conditions ?? []).filter(({ status }) => status !== 'ok').map(describeCondition),
      };
    },
  });
}

function describeCondition({ id, subject, summary, hint }: DnsReport['conditions'][number]): string {
  return oneLine(`${id}: ${subject}: ${summary}${hint === undefined ? '' : ` (${hint})`}`);
}

async function managesRecords(objectSource: ObjectSource, session: Session): Promise<boolean> {
  const { signal } = session.interruption;
  try {
    const { readClusterDns } = await ingressDns();
    const { objects } = await openIngressObjects(objectSource, session);
    return (await readClusterDns(objects, signal)).credentials.length > 0;
  } catch (error) {
    if (signal.aborted || !isRecoveryError(error)) throw error;
    return false;
  }
}

/** State of the ingress DNS, and its first problem in one line. */
interface Judgement {
  /** `undefined` when no workload of the cluster manages records, or the check failed. */
  readonly report: DnsReport | undefined;
  readonly problem: string | undefined;
}

async function judgeClusterDns(
  flags: RecoveryDnsValues,
  objectSource: ObjectSource,
  session: Session,
): Promise<Judgement> {
  const { clock, localFiles, interruption } = session;
  const { signal } = interruption;
  try {
    const { checkIngressDns, chooseCredentials, readClusterDns } = await ingressDns();
    const { objects } = await openIngressObjects(objectSource, session);
    const { credentials, names } = await readClusterDns(objects, signal);
    if (credentials.length === 0) return { report: undefined, problem: undefined };
    const chosen = chooseCredentials(credentials, flags.controller);
    const { source, webIdentity } = await completeWebIdentity(chosen.source, undefined, session);
    const probes = toProbes({ ...flags, domain: undefined, target: undefined });
    const awsClient = await readClientConfig(toCredentialValues(flags), source, session);
    const deps = { host: localFiles.host, clock };
    const report = await checkIngressDns({ source, webIdentity, names, awsClient, ...probes, signal }, deps);
    const [cause] = report.causes;
    const problem = cause && oneLine(`ingress DNS: ${cause.subject}: ${cause.summary}; see: \`kube-rescue dns check\``);
    return { report, problem };
  } catch (error) {
    if (signal.aborted || !isRecoveryError(error)) throw error;
    return { report: undefined, problem: oneLine(`ingress DNS was not checked: ${describeError(error)}`) };
  }
}

function toCredentialValues(flags: RecoveryDnsValues) {
  const none = { profile: undefined, 'role-arn': undefined, 'external-id': undefined, region: undefined };
  return { ...none, 'aws-credentials': flags['aws-credentials'] };
}
