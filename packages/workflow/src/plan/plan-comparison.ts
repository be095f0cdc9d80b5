import { isDeepStrictEqual } from 'node:util';
import { WorkflowError } from '../errors.ts';
import type { Change } from './change.ts';
import type { Plan } from './plan.ts';

const MOST_NAMED = 5;

/**
 * `plan` with the names of the changes whose result differs in a second plan of the same node, made right after it with the same
 * options.
 */
export function withVariations(plan: Plan, again: Plan): Plan {
  const second = new Map(listChanges(again).map((change) => [nameOf(change), change['after']]));
  const varying = listChanges(plan).filter((change) => second.get(nameOf(change)) !== change['after']);
  return { ...plan, varies: varying.map(nameOf) };
}

/**
 * Compares a plan reviewed by the operator with the present one: which steps make which changes, from which state, to which
 * result, with which mode and owner. Of results that are made again each time only their kind is compared, and names of new files
 * without the numbers in them: they may name the time.
 *
 * @throws WorkflowError `PLAN_STALE` when they differ, which names the changes
 */
export function assertSamePlan(reviewed: Plan, present: Plan): void {
  const varies = new Set(reviewed.varies);
  const [then, now] = [reviewed, present].map((plan) => describePlan(plan, varies));
  if (reviewed.playbook === present.playbook && isDeepStrictEqual(then, now)) return;
  const differing = [
    ...new Set(
      [...(then ?? []), ...(now ?? [])].flatMap(({ step, change }) => {
        const isIn = (list: typeof then): boolean =>
          (list ?? []).some((each) => isDeepStrictEqual(each, { step, change }));
        return isIn(then) && isIn(now) ? [] : [`${step}: ${String(change['target'])}`];
      }),
    ),
  ];
  const more = differing.length > MOST_NAMED ? [`${differing.length - MOST_NAMED} more`] : [];
  const names = [...differing.slice(0, MOST_NAMED), ...more];
  throw new WorkflowError({
    code: 'PLAN_STALE',
    message: `the present plan differs from the reviewed one${names.length === 0 ? '' : ` (${names.join('; ')})`}; nothing was written`,
    subject: reviewed.createdAt,
    hint: 'create a new plan, review it, and apply that one',
  });
}

function describePlan(
  plan: Plan,
  varies: ReadonlySet<string>,
): readonly { readonly step: string; readonly change: Readonly<Record<string, unknown>> }[] {
  // As read from a file: without fields that are undefined.
  const { entries } = JSON.parse(JSON.stringify(plan)) as Plan;
  return entries.flatMap(({ step, changes }) =>
    changes.map((change) => ({ step, change: { ...change, ...describeChange(change, varies) } })),
  );
}

/** The fields of a change that are not compared as they are. */
function describeChange(change: Change, varies: ReadonlySet<string>): Readonly<Record<string, unknown>> {
  const { before, after } = change;
  const isNew = before === 'absent';
  const result = varies.has(nameOf(change))
    ? 'varies'
    : change.kind === 'symlink.replace' && typeof after === 'string'
      ? withoutNumbers(after)
      : after;
  return {
    target: isNew ? withoutNumbers(change.target) : change.target,
    ...('after' in change ? { after: result } : {}),
  };
}

function withoutNumbers(text: string): string {
  return text.replaceAll(/\d+/g, '#');
}

function listChanges(plan: Plan): readonly Change[] {
  return plan.entries.flatMap(({ changes }) => changes);
}

function nameOf({ kind, target, before }: Change): string {
  return `${kind} ${before === 'absent' ? withoutNumbers(target) : target}`;
}
