import type { Mutant } from './mutant.ts';

const inWorkflow = (file: string, name: string, from: string, to: string): Mutant => ({
  directory: 'packages/workflow',
  tests: ['run/units.test.ts', 'run/unit-rollback.test.ts', 'run/run-promises.test.ts'],
  ...{ file, name, from, to },
});
const inHost = (name: string, from: string, to: string): Mutant => ({
  directory: 'packages/host',
  file: 'local/entry-exchange.ts',
  tests: ['local/entry-exchange.test.ts'],
  ...{ name, from, to },
});

/** Bugs in the rollback of units, in what it keeps, and in the last comparison of a write. */
export const UNIT_ROLLBACK_MUTANTS: readonly Mutant[] = [
  inWorkflow(
    'run/unwind-unit.ts',
    'a unit is split by a file that others changed',
    'if (obstacles.size > 0) return leaveUnit(unit, previews, obstacles, deps);',
    'void obstacles;',
  ),
  inWorkflow(
    'run/unwind-unit.ts',
    'a unit that fails in the middle stays half rolled back',
    'for (const each of undone.toReversed()) {',
    'for (const each of undone.slice(0, 0)) {',
  ),
  inWorkflow(
    'run/units.ts',
    'files of a unit are rolled back one by one',
    'return [`unit ${unit}`, target, ...pairOf(change)];',
    'return [`unit ${unit} ${change.target}`, target, ...pairOf(change)];',
  ),
  inWorkflow(
    'run/units.ts',
    'a journal of version 1 has no units',
    '[`step ${step} ${machineOf(change)}`, target, ...pairOf(change)]',
    '[`step ${step} ${machineOf(change)} ${change.target}`, target, ...pairOf(change)]',
  ),
  inWorkflow(
    'run/units.ts',
    'an object that another process changed keeps all others of its step',
    'return isObjectChange(change) ? [target] : [',
    'return isObjectChange(change) ? [`step ${step}`] : [',
  ),
  inWorkflow(
    'run/units.ts',
    'a pair written by two steps is no unit',
    'if (!PAIR_ENDING.test(name)) return [];',
    'return [];',
  ),
  inWorkflow(
    'run/unwind-unit.ts',
    'the replaced bytes are not named in the journal',
    '  await appendAll(records, run);\n  return replaced;',
    '  return replaced;',
  ),
  inWorkflow(
    'host-changes/file-undo.ts',
    'a rollback keeps no replaced bytes',
    'const kept = bytes === undefined ? undefined : await backup.keep(bytes);\n  return { state',
    'const kept = undefined;\n  return { state',
  ),
  inWorkflow(
    'journal/backup-directory.ts',
    'a rollback adds plain bytes to an encrypted backup',
    '(await isSealedDirectory()) ? sealMore : undefined',
    'undefined',
  ),
  inWorkflow(
    'journal/step-journal.ts',
    'a file that others wrote during the unit keeps the unit from going back',
    "if (isRecoveryError(error, 'PLAN_STALE')) await recordNotMade(intents.slice(index), run, clock);",
    'void [isRecoveryError, recordNotMade, index, clock];',
  ),
  {
    directory: 'packages/workflow',
    file: 'plan/plan-comparison.ts',
    tests: ['plan/plan-comparison.test.ts'],
    name: 'a plan counts as the same with another result',
    from: "...('after' in change ? { after: result } : {})",
    to: "...('after' in change ? { after: result === undefined } : {})",
  },
  {
    directory: 'packages/workflow',
    file: 'plan/plan-comparison.ts',
    tests: ['plan/plan-comparison.test.ts'],
    name: 'new files of a plan are not compared',
    from: 'target: isNew ? withoutNumbers(change.target) : change.target,',
    to: "target: isNew ? withoutNumbers('') : change.target,",
  },
  {
    directory: 'packages/diagnosis',
    file: 'runs/rollback-judgement.ts',
    tests: ['runs/rollback-judgement.test.ts'],
    name: 'a rollback to a key that does not fit is not worse',
    from: 'before.has(key) ? [] : [`${message} after the rollback`]',
    to: "before.has(key) || message !== '' ? [] : [`${message} after the rollback`]",
  },
  {
    directory: 'packages/diagnosis',
    file: 'runs/rollback-judgement.ts',
    tests: ['runs/rollback-judgement.test.ts'],
    name: 'only runs that are done are judged before a rollback',
    from: 'const { activeChanges } = await run.state();\n  if (activeChanges.length === 0) return [];',
    to: "const { activeChanges, outcome } = await run.state();\n  if (activeChanges.length === 0 || outcome !== 'done') return [];",
  },
  inHost(
    'a file is not compared after the exchange',
    'if (!replaces.includes(await stateOf(held))) await putBack(held, before, made, exchange);',
    'void [putBack, before, made];',
  ),
  inHost(
    'the file of another process is not put back',
    '    renameSync(held, real);\n    await syncBoth(exchange);\n    throw changed(subject);',
    '    throw changed(subject);',
  ),
  inHost(
    'a file that others created meanwhile is replaced',
    'await link(temporary, real);',
    'await rename(temporary, real);\n    return;',
  ),
  inHost(
    'a removed file is not compared after its removal',
    'if (!replaces.includes(await stateOf(held))) {',
    'if (replaces.length === 0) {',
  ),
];
