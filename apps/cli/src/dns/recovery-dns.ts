import type { DnsReport } from '@kube-rescue/ingress-dns';
import type { EtcdSearch, ObjectsVia } from '@kube-rescue/recovery';
import { describeError, isRecoveryError } from '@kube-rescue/errors';
import type { Playbook } from '@kube-rescue/workflow';
import { Flags } from '@oclif/core';
import type { Answer } from '../base-command.ts';
import { usageError } from '../envelope.ts';
import { EXIT } from '../exit-codes.ts';
import { renderChain } from '../render/dns-chain.ts';
import { oneLine } from '../render/text.ts';
import { ingressDns, recovery, type Session } from '../wiring.ts';
import { readSource, readWay } from './credential-input.ts';
import { controllerFlag, nameFlags, seconds, toProbes } from './dns-flags.ts';
import { openIngressObjects } from './node-objects.ts';

const { resolver, scheme, port, probe, 'dns-port': dnsPort } = nameFlags;

/** Flags of a recovery about the AWS credentials of the ingress DNS provider. */
export const recoveryDnsFlags = {
  'aws-credentials': Flags.string({
    description: 'file with new keys for the ingress DNS provider (JSON, a credentials file, or AWS_…= lines)',
    helpValue: 'FILE',
    helpGroup: 'AWS',
  }),
  controller: controllerFlag,
  resolver,
  'dns-port': dnsPort,
  scheme,
  port,
  probe,
  'dns-wait': seconds({
    description: 'how long the names are waited for, in seconds',
    default: 300,
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
  readonly 'dns-wait': number;
}

/** The way to the objects of the cluster. */
interface RecoveryWay {
  /** Default: the API server while it answers, etcd otherwise. */
  readonly via: ObjectsVia | undefined;
  readonly search: EtcdSearch;
}

const API_STABLE = 'control-plane/api-stable';

/** The playbook with new keys for the ingress DNS provider as its last phases, when there are any. */
export async function withIngressDns(
  playbook: Playbook,
  flags: RecoveryDnsValues,
  way: RecoveryWay,
  session: Session,
): Promise<Playbook> {
  if (flags['aws-credentials'] === undefined || session.host.kind === 'copy') return playbook;
  const given = toCredentialValues(flags);
  const { keys, where, roles } = await readSource(given, session);
  if (keys === undefined || roles.length > 0) {
    throw usageError('these are no keys of their own', where, 'give an access key id with its secret access key');
  }
  const { createIngressDnsPhases } = await recovery();
  const input = {
    keys,
    controller: flags.controller,
    way: await readWay(given, undefined),
    ...toProbes({ ...flags, domain: undefined, target: undefined }),
    timeoutMs: flags['dns-wait'] * 1000,
    requires: [API_STABLE],
  };
  const objects = await openIngressObjects(way, session);
  const phases = createIngressDnsPhases(input, { ...objects, host: session.desk.host, clock: session.clock });
  return { ...playbook, phases: [...playbook.phases, ...phases] };
}

/**
 * What a recovery answers, with what is wrong with the ingress DNS provider: everything else is healthy then, and the exit
 * code says that this is not. Nothing is added when no workload of the cluster keeps DNS records, or none can be asked.
 */
export async function withDnsReport(
  answer: Answer,
  flags: RecoveryDnsValues,
  way: RecoveryWay,
  session: Session,
): Promise<Answer> {
  if (answer.exitCode !== EXIT.done || session.host.kind === 'copy') return answer;
  const report = await judgeClusterDns(flags, way, session);
  if (report === undefined) return answer;
  const [cause] = report.causes;
  if (cause !== undefined) session.reporter.warn(oneLine(`ingress DNS: ${cause.subject}: ${cause.summary}`));
  return {
    ...answer,
    result: { ...answer.result, ingressDns: report },
    exitCode: cause === undefined ? answer.exitCode : EXIT.problems,
    text: (terminal) =>
      cause === undefined ? answer.text(terminal) : `${answer.text(terminal)}\n\n${renderChain(report, terminal)}`,
  };
}

async function judgeClusterDns(
  flags: RecoveryDnsValues,
  way: RecoveryWay,
  session: Session,
): Promise<DnsReport | undefined> {
  const { clock, desk, interruption, reporter } = session;
  const { signal } = interruption;
  try {
    const { checkIngressDns, chooseCredentials, readClusterDns } = await ingressDns();
    const { objects } = await openIngressObjects(way, session);
    const { credentials, names } = await readClusterDns(objects, signal);
    if (credentials.length === 0) return undefined;
    const { source } = chooseCredentials(credentials, flags.controller);
    const probes = toProbes({ ...flags, domain: undefined, target: undefined });
    const awsWay = await readWay(toCredentialValues(flags), source);
    return await checkIngressDns({ source, names, way: awsWay, ...probes, signal }, { host: desk.host, clock });
  } catch (error) {
    if (signal.aborted || !isRecoveryError(error)) throw error;
    reporter.warn(oneLine(`ingress DNS was not judged: ${describeError(error)}`));
    return undefined;
  }
}

function toCredentialValues(flags: RecoveryDnsValues) {
  const none = { profile: undefined, 'role-arn': undefined, 'external-id': undefined, region: undefined };
  return { ...none, 'aws-credentials': flags['aws-credentials'] };
}
