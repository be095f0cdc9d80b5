import type { Proof } from '@kube-rescue/lab';
import type { RescueAnswer } from '../rescue-command.ts';

/** The fields of an ingress DNS judgement that the drill reads. */
interface Judged {
  readonly causes?: readonly { readonly id: string; readonly subject: string; readonly code?: string }[];
}

/** The fields of the answer of `report` that the drill reads. */
interface Reported {
  readonly report?: {
    readonly outcome?: string;
    readonly steps?: readonly { readonly step: string; readonly result: string }[];
    readonly remaining?: readonly string[];
  };
}

const PROBLEMS = 3;

/** Proves that `dns check` reports one cause: AWS does not know the keys. */
export function proveDiagnosis(name: string, answer: RescueAnswer): Proof {
  return proveOneCause(name, answer, resultOf(answer));
}

/** Proves that `recover` repaired everything except ingress DNS, for which it has no keys, and warns of nothing else. */
export function proveLeftDns(name: string, answer: RescueAnswer): Proof {
  const result: { readonly outcome?: string; readonly ingressDns?: Judged } | undefined = resultOf(answer);
  const proof = proveOneCause(name, answer, result?.ingressDns);
  const warnings = answer.envelope?.warnings ?? [];
  const others = warnings.filter((warning) => !warning.startsWith('ingress DNS: '));
  return {
    name,
    ok: proof.ok && result?.outcome !== undefined && warnings.length > 0 && others.length === 0,
    detail: [`${proof.detail}, ${result?.outcome ?? 'no outcome'}`, ...others].join('; '),
  };
}

/** Proves that `report` has the steps that restored the names. */
export function proveReportedNames(name: string, answer: RescueAnswer): Proof {
  const reported: Reported | undefined = resultOf(answer);
  const steps = (reported?.report?.steps ?? []).filter(({ step }) => step.startsWith('dns/'));
  const told = steps.map(({ step, result }) => `${step} ${result}`).join(', ') || 'no step of dns';
  return {
    name,
    ok:
      answer.exitCode === 0 && steps.some(({ step, result }) => step.startsWith('dns/names') && result === 'verified'),
    detail: `exit ${answer.exitCode}: ${told}`,
  };
}

/** Proves that `report` lists the remaining work for ingress DNS. */
export function proveReportedCause(name: string, answer: RescueAnswer): Proof {
  const reported: Reported | undefined = resultOf(answer);
  const remaining = reported?.report?.remaining ?? [];
  const named = remaining.filter((line) => line.startsWith('ingress DNS: '));
  return {
    name,
    ok: answer.exitCode === 0 && named.length === 1,
    detail: `exit ${answer.exitCode}: ${named.join('; ') || 'no report of ingress DNS'}`,
  };
}

function proveOneCause(name: string, { exitCode, lastWords }: RescueAnswer, judged: Judged | undefined): Proof {
  const causes = judged?.causes ?? [];
  const told = causes.map(({ id, subject, code = '' }) => `${id} of ${subject} (${code})`).join(', ') || lastWords;
  return {
    name,
    ok: exitCode === PROBLEMS && causes.length === 1 && causes[0]?.code === 'DNS_KEY_UNKNOWN',
    detail: `exit ${exitCode}: ${told}`,
  };
}

function resultOf({ envelope }: RescueAnswer): object | undefined {
  return envelope?.ok === true ? envelope.result : undefined;
}
