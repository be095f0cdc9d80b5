import { type Change, type Finding, type StepId, toErrorFinding, type Verdict } from '@kube-rescue/workflow';
import { PodError } from '../errors.ts';
import type { Diagnosis } from '../diagnosis/pod-diagnosis.ts';
import type { RescueLabels } from './rescue-labels.ts';
import { describePod, type RescueState, type WatchedPod } from './rescue-state.ts';
import type { StoreUnavailable } from '../diagnosis/store-unavailable.ts';

export interface RescueFinding extends Finding {
  readonly changes: readonly Change[];
}

/** Problems that the steps before a rescue may fix. */
const FIXED_BEFORE = ['POD_NODE_NOT_FOUND', 'POD_NODE_NOT_REPORTING', 'POD_NETWORK_NOT_READY'];

/** A failure as a finding: `unknown` when the objects could not be read. */
export function toRescueFinding(
  error: unknown,
  { subject, requires }: { readonly subject: string; readonly requires: readonly StepId[] },
  signal: AbortSignal,
): RescueFinding {
  const finding = toErrorFinding(error, signal, (each) => each instanceof PodError);
  const isOurs = finding.status === 'blocked';
  return {
    ...finding,
    summary: isOurs ? finding.summary : `the objects of the cluster cannot be read: ${finding.summary}`,
    subject: finding.subject ?? subject,
    waitsFor: !isOurs || FIXED_BEFORE.includes(finding.code ?? '') ? requires : [],
  };
}

export function scaledDown(subject: string): RescueFinding {
  const summary = `${subject} is scaled to 0, so no rescue pod is needed`;
  return { status: 'ok', summary, evidence: [], changes: [] };
}

export function needsApiServer(subject: string): PodError {
  return new PodError({
    code: 'POD_NEEDS_API_SERVER',
    message: 'pods are created through the API server only: its admission adds tokens, priorities and defaults',
    subject,
    hint: 'recover the API server first, then use --via api',
  });
}

export function nameTaken(namespace: string, name: string): PodError {
  return new PodError({
    code: 'POD_NAME_TAKEN',
    message: 'a pod with this name exists that kube-rescue did not create',
    subject: `Pod ${namespace}/${name}`,
    hint: 'find its owner, and remove or rename it',
  });
}

/** Why the other pods do not count. */
export function describeOthers({ context, real, rescue }: RescueState): readonly string[] {
  const watched = new Set([...real, ...(rescue === undefined ? [] : [rescue])].map(({ pod }) => pod.uid));
  const others = context.own.filter(({ uid }) => !watched.has(uid));
  if (context.own.length === 0) return ['the controller has no pod'];
  return others.slice(0, MANY).map((pod) => {
    const why =
      pod.node === undefined
        ? 'is not bound to a node'
        : pod.isTerminating
          ? 'is being deleted'
          : `is ${pod.phase} on ${pod.node}, which does not run it at the moment`;
    return `pod ${pod.name} ${why}`;
  });
}

const MANY = 5;

export function describeChoice({ dropped, unserved }: RescueLabels): readonly string[] {
  return [
    ...dropped.map((key) => `without the label ${key}, so that no controller adopts the pod`),
    ...unserved.map((name) => `Service ${name} will not select the pod: it requires the same labels as the controller`),
  ];
}

export function unavailable({ unavailable: reason }: StoreUnavailable): Diagnosis {
  return {
    code: 'POD_API_UNREACHABLE',
    reason: `cannot be observed: ${reason}`,
    hint: 'recover the API server first (`kube-rescue triage`)',
    evidence: [],
    isFinal: false,
  };
}

export function noPod(subject: string): Diagnosis {
  return {
    code: 'POD_NOT_STARTED',
    reason: `is missing: ${subject} has no pod`,
    hint: 'another process has deleted it; find that process, then run the command again',
    evidence: [],
    isFinal: false,
  };
}

export function verified(working: WatchedPod, { rescue }: RescueState): Verdict {
  const warnings =
    working.pod.uid === rescue?.pod.uid
      ? [
          `${describePod(working)} is a rescue pod; remove it when the pods of ${rescue.pod.annotations['kube-rescue.dev/rescue-of'] ?? 'its controller'} run: \`kube-rescue pods release\``,
        ]
      : [];
  return { verified: true, evidence: working.work.evidence ?? [], ...(warnings.length === 0 ? {} : { warnings }) };
}

export function unverified({ code, reason, hint, evidence }: Diagnosis, elapsedMs: number): Verdict {
  const last = evidence.at(-1);
  const detail = last === undefined ? '' : `; ${last}`;
  return {
    verified: false,
    reason: `after ${Math.round(elapsedMs / 1000)} s the pod ${reason} (${code})${detail}`,
    hint,
  };
}
