import { type Change, type Finding, type StepId, toErrorFinding, type Verdict } from '@kube-rescue/workflow';
import { PodError } from '../errors.ts';
import type { Diagnosis } from '../diagnosis/pod-diagnosis.ts';
import type { RescueLabels } from './rescue-labels.ts';
import { describePod, type RescueState, type WatchedPod } from './rescue-state.ts';
import type { Silence } from '../diagnosis/tolerant-reading.ts';

export interface RescueFinding extends Finding {
  readonly changes: readonly Change[];
}

/** What the steps before a rescue may cure. */
const CURED_BEFORE = ['POD_NODE_NOT_FOUND', 'POD_NODE_DEAD', 'POD_NETWORK_NOT_READY'];

/** A failure as a finding: `unknown` when the objects could not be read at all. */
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
    waitsFor: !isOurs || CURED_BEFORE.includes(finding.code ?? '') ? requires : [],
  };
}

export function scaledDown(subject: string): RescueFinding {
  const summary = `${subject} wants no pods: it is scaled to 0, and nothing is rescued that nobody wants`;
  return { status: 'ok', summary, evidence: [], changes: [] };
}

export function needsApiServer(subject: string): PodError {
  return new PodError({
    code: 'POD_NEEDS_API_SERVER',
    message: 'pods are made through the API server only: it adds tokens, priorities and defaults, and kubelets ask it',
    subject,
    hint: 'bring the API server back first, then go through it: --via api',
  });
}

export function nameTaken(namespace: string, name: string): PodError {
  return new PodError({
    code: 'POD_NAME_TAKEN',
    message: 'a pod of this name is there, and was not cut out by kube-rescue',
    subject: `Pod ${namespace}/${name}`,
    hint: 'find out whose it is, and remove or rename it',
  });
}

/** Why none of the pods that there are counts. */
export function describeOthers({ surroundings, real, rescue }: RescueState): readonly string[] {
  const watched = new Set([...real, ...(rescue === undefined ? [] : [rescue])].map(({ pod }) => pod.uid));
  const others = surroundings.own.filter(({ uid }) => !watched.has(uid));
  if (surroundings.own.length === 0) return ['the controller has no pod'];
  return others.slice(0, MANY).map((pod) => {
    const why =
      pod.node === undefined
        ? 'is bound to no node'
        : pod.isTerminating
          ? 'is being deleted'
          : `is ${pod.phase} on ${pod.node}, which does not run it now`;
    return `pod ${pod.name} ${why}`;
  });
}

const MANY = 5;

export function describeChoice({ dropped, unserved }: RescueLabels): readonly string[] {
  return [
    ...dropped.map((key) => `without the label ${key}, by which a controller would adopt it`),
    ...unserved.map(
      (name) => `Service ${name} will not send to it: it asks for the labels that its controller asks for`,
    ),
  ];
}

export function silent({ silence }: Silence): Diagnosis {
  return {
    code: 'POD_API_UNREACHABLE',
    reason: `cannot be seen: ${silence}`,
    hint: 'bring the API server back first (kube-rescue triage)',
    evidence: [],
    isFinal: false,
  };
}

export function nobodyThere(subject: string): Diagnosis {
  return {
    code: 'POD_NOT_STARTED',
    reason: `there is no pod of ${subject}`,
    hint: 'somebody has deleted it; find out who, then run this again',
    evidence: [],
    isFinal: false,
  };
}

export function verified(working: WatchedPod, { rescue }: RescueState): Verdict {
  const warnings =
    working.pod.uid === rescue?.pod.uid
      ? [
          `${describePod(working)} stands in; remove it when the pods of ${rescue.pod.annotations['kube-rescue.dev/rescue-of'] ?? 'its controller'} run: kube-rescue pods release`,
        ]
      : [];
  return { verified: true, evidence: working.work.evidence ?? [], ...(warnings.length === 0 ? {} : { warnings }) };
}

export function unverified({ code, reason, hint, evidence }: Diagnosis, elapsedMs: number): Verdict {
  const last = evidence.at(-1);
  const seen = last === undefined ? '' : `; ${last}`;
  return {
    verified: false,
    reason: `after ${Math.round(elapsedMs / 1000)} s the pod ${reason} (${code})${seen}`,
    hint,
  };
}
