import type { Mutant } from './mutant.ts';

const APPLYING = `      for (const [index, { change, material }] of edits.entries()) {
        const kind = kindOf(kinds, change);
        try {
          await kind.apply(change, material, whileWaiting);
        } catch (error) {
          if (isRecoveryError(error, 'PLAN_STALE')) await recordNotMade(intents.slice(index), run, clock);
          throw error;
        }
        onEvent({ type: 'change-made', step, change, text: kind.describe(change) });
      }`;

const RECORDING = `      for (let from = 0; from < intents.length; from += PART) await run.append(...intents.slice(from, from + PART));
`;

const mutant = (file: string, name: string, from: string, to: string): Mutant => ({
  directory: 'packages/workflow',
  ...{ file, name, from, to },
});

/** Bugs of the engine that its tests must detect: journal order, checks before a write, the lock, rollback. */
export const WORKFLOW_MUTANTS: readonly Mutant[] = [
  mutant(
    'journal/step-journal.ts',
    'undo records are written after the changes',
    `${RECORDING}${APPLYING}`,
    `${APPLYING}\n${RECORDING}`,
  ),
  mutant('journal/step-journal.ts', 'undo records are not written', RECORDING, ''),
  mutant(
    'journal/step-journal.ts',
    'only the first undo record of a unit is written',
    'from += PART) await run.append(...intents.slice(from, from + PART))',
    'from += PART) await run.append(...intents.slice(from, 1))',
  ),
  mutant(
    'journal/step-journal.ts',
    'a stale plan is applied',
    'if (reason !== undefined) throw',
    'if (reason === "") throw',
  ),
  mutant(
    'journal/step-journal.ts',
    'only the first change of a unit is checked against its plan',
    'mapConcurrent(edits, CONCURRENCY, async ({ change }) => {',
    'mapConcurrent(edits.slice(0, 1), CONCURRENCY, async ({ change }) => {',
  ),
  mutant(
    'journal/step-journal.ts',
    'the changes of a unit are applied in another order',
    APPLYING,
    `      for (const { change, material } of edits.toReversed()) {
        const kind = kindOf(kinds, change);
        await kind.apply(change, material, whileWaiting);
      }`,
  ),
  mutant(
    'host-changes/file-kinds.ts',
    'a file that another process wrote during the unit is overwritten',
    'owner: { uid, gid }, watched, replaces };',
    'owner: { uid, gid }, watched, ...(replaces.length > 9 ? { replaces } : {}) };',
  ),
  mutant(
    'run/phase-runner.ts',
    'a phase whose steps cannot be created leaves a run without an end',
    'throw await fail([toStepFailure(error, failedPhase)]);',
    'throw error instanceof Error ? error : failedPhase;',
  ),
  mutant(
    'run/concurrency.ts',
    'a failure is reported while other work is running',
    '        failures.set(index, error);\n',
    '        failures.set(index, error);\n        throw error;\n',
  ),
  mutant('run/concurrency.ts', 'more is begun after a failure', '      if (failures.size > 0) return;\n', ''),
  mutant(
    'run/runner.ts',
    'a plan from before the lock is reused although another run happened',
    'isFirstRun ? input.planned : undefined',
    'input.planned',
  ),
  mutant(
    'run/phase-runner.ts',
    'numbers of undo records restart at zero',
    'createSequence(nextSeq)',
    'createSequence(nextSeq * 0)',
  ),
  mutant(
    'host-changes/file-undo.ts',
    'wrong bytes are backed up',
    'await backup.keep(bytes);\n  return toJson({ state, kept, after });',
    'await backup.keep(bytes.subarray(1));\n  return toJson({ state, kept, after });',
  ),
  mutant(
    'journal/backup-directory.ts',
    'backup bytes are not verified',
    'sha256(data) === name) return',
    'name !== "") return',
  ),
  mutant(
    'journal/backup-directory.ts',
    'a name leads out of the backup directory',
    'NAME.test(name) ? await readKept(name) : undefined',
    'await readKept(name)',
  ),
  mutant(
    'journal/backup-directory.ts',
    'backup bytes are readable by others',
    'return host.writeFile(plainFile(name), data, { mode: PRIVATE_FILE_MODE })',
    'return host.writeFile(plainFile(name), data, { mode: 0o644 })',
  ),
  mutant(
    'journal/run-directory.ts',
    'the journal is readable by others',
    'appendFile(journal, data, { mode: PRIVATE_FILE_MODE })',
    'appendFile(journal, data, { mode: 0o644 })',
  ),
  mutant(
    'journal/run-directory.ts',
    'the backup directory is readable by others',
    '{ mode: PRIVATE_DIRECTORY_MODE }',
    '{ mode: 0o755 }',
  ),
  mutant(
    'run/run-lock.ts',
    'a run takes no lock',
    'const lock = await host.acquireLock(path, holder);',
    'const lock = { isHeld: async () => true, release: async () => void [path, holder] };',
  ),
  mutant('run/run-lock.ts', 'the lock is not released', '    await lock.release();\n', ''),
  mutant(
    'run/runner.ts',
    'a rollback takes no lock',
    "return withRunLock(given, { holder: `rollback ${id}`, guarded: 'undo' }, async (lock) => {",
    'return (async <T>(act: (lock: WorkflowDeps) => Promise<T>) => act(given))(async (lock) => {',
  ),
  mutant(
    'run/units.ts',
    'undo records are replayed oldest first',
    '[...unit].toSorted((a, b) => b.seq - a.seq)',
    '[...unit].toSorted((a, b) => a.seq - b.seq)',
  ),
  mutant(
    'run/unwind.ts',
    'services are restored before their files',
    "const isLast = ({ change }: IntentRecord): boolean => kindOf(kinds, change).undoOrder === 'last';",
    'const isLast = ({ change }: IntentRecord): boolean => kindOf(kinds, change).kind === "";',
  ),
  mutant(
    'run/unwind.ts',
    'the first undo that fails ends the rollback',
    'results.push(await unwindUnit(unit, deps));',
    'results.push(await unwindUnit(unit, deps));\n    if (results.some(({ notReverted }) => notReverted.length > 0)) break;',
  ),
  mutant(
    'run/unwind.ts',
    'a failed undo is not reported',
    'notReverted: results.flatMap(({ notReverted }) => notReverted),',
    'notReverted: [],',
  ),
  mutant('run/unwind-unit.ts', 'what was undone is not recorded', 'await record([...outcomes], deps);', 'void record;'),
  mutant(
    'run/unwind-unit.ts',
    'changes by other processes are not named',
    "if (outcome.state === 'foreign') return outcome;",
    'if (change.target === "") return undefined;',
  ),
  mutant(
    'run/unwind.ts',
    'the reserved disk space is not freed before a rollback',
    '  await run.releaseReserve();\n',
    '',
  ),
  mutant('run/run-end.ts', 'the reserved disk space is never freed', '    await run.releaseReserve();\n', ''),
  mutant(
    'run/run-end.ts',
    'the end of a run is not recorded',
    "await run.append({ type: 'end', outcome, at: clock.now().toISOString(), reason });",
    'void [outcome, clock, reason];',
  ),
  mutant(
    'journal/run-directory.ts',
    'no disk space is reserved',
    'await host.writeFile(joinPath(path, RESERVE), new Uint8Array(RESERVE_BYTES), { mode: PRIVATE_FILE_MODE });',
    'void RESERVE_BYTES;',
  ),
  mutant(
    'journal/run-directory.ts',
    'a torn last line stays in the journal',
    'if (end.tornBytes > 0)',
    'if (end.tornBytes < 0)',
  ),
  mutant(
    'journal/run-directory.ts',
    'a journal is repaired away',
    'readPieces(journal, host, end.bytes)',
    'readPieces(journal, host, 0)',
  ),
  mutant(
    'journal/journal-file.ts',
    'a torn last line makes a journal unreadable',
    'if (!isWhole) {',
    'if (line.length === 0) {',
  ),
  mutant(
    'journal/journal-chain.ts',
    'an invalid line is skipped',
    'if (fields === undefined) throw',
    "if (fields === undefined) return { type: 'resumed', at: '' };\n      if (fields === null) throw",
  ),
  mutant(
    'run/run-state.ts',
    'a change that another process overwrote counts as undone',
    "record.type === 'undone' && record.outcome.state !== 'foreign'",
    "record.type === 'undone'",
  ),
  mutant('run/run-state.ts', 'an applied step stays unfinished', '      open.delete(record.step);\n', ''),
  mutant('run/run-state.ts', 'a resumed run counts as ended', '      end = undefined;\n', ''),
  mutant('run/run-state.ts', 'a verified step stays unverified', 'unverified.delete(record.step);', ''),
  mutant(
    'run/runner.ts',
    'a resumed run does not roll back the interrupted step',
    'unwind(state.unfinished,',
    'unwind([],',
  ),
  mutant(
    'run/runner.ts',
    'a resumed run rolls back verified steps',
    'unwind(state.unfinished,',
    'unwind(state.activeChanges,',
  ),
  mutant(
    'journal/run-directory.ts',
    'a journal is continued without reading its end',
    'position ?? (await repair())',
    'position ?? CHAIN_START',
  ),
  mutant(
    'run/runner.ts',
    'a new run begins over an interrupted one',
    'if (unfinishedRun === undefined) return undefined;',
    'if (unfinishedRun?.id !== "") return undefined;',
  ),
  mutant(
    'run/runner.ts',
    'a run is resumed by another playbook',
    'if (state.playbook !== playbook) {',
    'if (state.playbook === "") {',
  ),
  mutant(
    'run/runner.ts',
    'an unverified step is not verified again',
    'resumed?.state.unverified ?? new Set<string>()',
    'new Set<string>()',
  ),
  mutant(
    'run/runner.ts',
    'a run begins without its preflight checks',
    '    await assertFeasible(plan, deps);\n',
    '    void assertFeasible;\n',
  ),
  mutant(
    'run/runner.ts',
    'disk space for the journal is not checked',
    '  await assertDiskSpace(host, store.directory);\n',
    '  void [assertDiskSpace, host, store];\n',
  ),
  mutant(
    'run/runner.ts',
    'a rollback begins without the identity of its backups',
    '    await run.backup.assertOpens();\n',
    '',
  ),
  mutant(
    'run/runner.ts',
    'a blocked step does not stop a run',
    '    assertNotBlocked(plan);\n',
    '    void assertNotBlocked;\n',
  ),
  mutant(
    'run/runner.ts',
    'a reviewed plan is not compared with the present one',
    'assertSamePlan(input.expected, plan);',
    'void assertSamePlan;',
  ),
  mutant(
    'run/runner.ts',
    'a run does not ask for confirmation',
    'if (!(await input.confirm(plan)))',
    'if (!(await input.confirm(plan)) && seconds() < 0)',
  ),
  mutant(
    'plan/plan-comparison.ts',
    'a plan counts as the same from another state',
    'change: { ...change, ...describeChange(change, varies) }',
    "change: { ...change, before: '', ...describeChange(change, varies) }",
  ),
  mutant(
    'plan/plan.ts',
    'a precaution is taken alone',
    'if (entries.some((entry) => !isPrecaution(entry.step) && isOpen(entry))) return entries;',
    'if (entries.length > 0) return entries;',
  ),
  mutant(
    'run/step-runner.ts',
    'a precaution is repeated by a resumed run',
    '(!context.hasWork || applied.has(step.id))',
    '!context.hasWork',
  ),
  mutant(
    'run/step-runner.ts',
    'a proof is not verified after the steps that it proves',
    '|| (step.isProof === true && step.requires.some((id) => applied.has(id)))',
    '&& step.id !== ""',
  ),
  mutant(
    'run/step-runner.ts',
    'an applied step is not recorded',
    "      await run.append({ type: 'applied', step: step.id, at: at() });\n",
    '',
  ),
  mutant(
    'run/step-runner.ts',
    'an unverified effect counts as verified',
    'if (!verified) throw',
    'if (!verified && step.id === "") throw',
  ),
  mutant(
    'run/run-failure.ts',
    'a failure rolls back only its own step',
    'const keepRun = state.irreversible || state.interrupted || isIrreversible;',
    'const keepRun = true || isIrreversible;',
  ),
  mutant(
    'run/run-failure.ts',
    'a failure takes down a control plane that serves again',
    'const keepRun = state.irreversible || state.interrupted || isIrreversible;',
    'const keepRun = state.interrupted || isIrreversible;',
  ),
  mutant(
    'run/run-failure.ts',
    'a restart that is not verified in time is rolled back',
    "failures.some(({ stage, step }) => stage === 'verify' && step.reversible === 'no');",
    'failures.length === 0;',
  ),
  mutant(
    'run/phase-runner.ts',
    'an interrupted run continues',
    'const mayStart = (): boolean => !signal.aborted && (',
    'const mayStart = (): boolean => (',
  ),
  mutant(
    'run/run-failure.ts',
    'an interruption rolls back the whole run',
    'state.irreversible || state.interrupted || isIrreversible;',
    'state.irreversible || isIrreversible;',
  ),
  mutant(
    'run/run-failure.ts',
    'changes that could not be rolled back are not reported',
    'if (notReverted.length > 0) {',
    'if (notReverted.length > 999) {',
  ),
  mutant(
    'host-changes/file-undo.ts',
    'a rollback overwrites a file of another process',
    'return beforeOf(present) === after || beforeOf(present) === beforeOf(old) ? undefined : foreign(target);',
    'return beforeOf(present) === "" ? foreign(target) : undefined;',
  ),
  mutant(
    'host-changes/file-undo.ts',
    'a file is restored with another mode',
    '{ mode: state.mode, owner',
    '{ mode: 0o600, owner',
  ),
  mutant(
    'host-changes/file-undo.ts',
    'a file is restored with another owner',
    '{ mode: state.mode, owner, ...options }',
    '{ mode: state.mode, ...options }',
  ),
  mutant(
    'host-changes/file-undo.ts',
    'a link is restored with another owner',
    'files.writeLink(path, state.target, { owner, replaces: options.replaces })',
    'files.writeLink(path, state.target, { replaces: options.replaces })',
  ),
  mutant('host-changes/file-undo.ts', 'a created file stays', 'return files.remove(path, options);', 'return;'),
  mutant(
    'host-changes/file-undo.ts',
    'the temporary file of a killed write stays',
    '  await removeIfThere(files, temporaryPathOf(hostPath(target), watched));\n',
    '  void [removeIfThere, temporaryPathOf];\n',
  ),
  mutant(
    'host-changes/file-undo.ts',
    'the temporary file of a killed write is searched in the watched directory',
    'temporaryPathOf(hostPath(target), watched)',
    'temporaryPathOf(hostPath(target), watched && false)',
  ),
  mutant(
    'host-changes/file-kinds.ts',
    'temporary files are written to a watched directory',
    'owner: { uid, gid }, watched, replaces };',
    'owner: { uid, gid }, replaces };',
  ),
  mutant(
    'host-changes/service-kind.ts',
    'a rollback starts a stopped service',
    "was === 'stopped' ? 'stop' : 'restart'",
    "was === '' ? 'stop' : 'restart'",
  ),
  mutant(
    'host-changes/service-kind.ts',
    'a rollback stops a starting service',
    "was === 'stopped' ? 'stop' : 'restart'",
    "was === 'running' ? 'restart' : 'stop'",
  ),
  mutant(
    'plan/selection.ts',
    'a step runs without a required step',
    'if (needed !== undefined) {',
    'if (needed === "") {',
  ),
  mutant(
    'journal/run-store.ts',
    'the name of a run leads out of the runs directory',
    'if ((await ids()).includes(id)) return open(id);',
    'if (id !== "") return open(id);',
  ),
  mutant(
    'journal/step-journal.ts',
    'the undo record of each change of a unit is written right before the change',
    `${RECORDING}${APPLYING}`,
    `      for (const [index, { change, material }] of edits.entries()) {
        await run.append(...intents.slice(index, index + 1));
        await kindOf(kinds, change).apply(change, material, whileWaiting);
      }`,
  ),
  mutant(
    'journal/step-journal.ts',
    'the state after a change is recorded with a wrong digest',
    'undefined : sha256(material);',
    'undefined : sha256(material.subarray(1));',
  ),
  mutant(
    'journal/step-journal.ts',
    'a unit is recorded before its plan is checked',
    '      await mapConcurrent(edits, CONCURRENCY, async ({ change }) => {\n        const reason = await kindOf(kinds, change).staleness(change);\n        if (reason !== undefined) throw stale(change, reason);\n      });\n',
    '',
  ),
  mutant(
    'host-changes/file-kinds.ts',
    'a file that has changed since it was read counts as fresh',
    'return describeDifference(change.target, change.before, state);',
    'return describeDifference(change.target, change.before, state) && undefined;',
  ),
  mutant(
    'host-changes/file-kinds.ts',
    'a change applied already cannot be applied again',
    'const replaces = [change.before, sha256(material)];',
    'const replaces = [change.before];',
  ),
  mutant(
    'journal/backup-directory.ts',
    'backup bytes are not encrypted although encryption is on',
    'if (seal === undefined) return',
    'if (seal === undefined || data.length > 0) return',
  ),
  mutant(
    'journal/backup-directory.ts',
    'encrypted bytes are readable by others',
    'await seal(data), { mode: PRIVATE_FILE_MODE }',
    'await seal(data), { mode: 0o644 }',
  ),
  mutant(
    'journal/backup-directory.ts',
    'encrypted bytes that this process cannot decrypt count as missing',
    'if (unseal === undefined) throw isSealed(sealedFile(name));',
    'if (unseal === undefined) return undefined;',
  ),
  mutant(
    'journal/backup-directory.ts',
    'a process cannot roll back its own encrypted backup',
    '    remembered.set(name, data);\n',
    '',
  ),
  mutant(
    'run/runner.ts',
    'an incomplete rollback counts as complete',
    "notReverted.length === 0 ? 'rolled-back' : 'rollback-incomplete'",
    "notReverted.length === -1 ? 'rollback-incomplete' : 'rolled-back'",
  ),
  mutant(
    'run/phase-runner.ts',
    'an interruption within a step counts as a failure',
    'failRun(failures, { irreversible, interrupted: signal.aborted }, execution, deps);',
    'failRun(failures, { irreversible, interrupted: false }, execution, deps);',
  ),
  mutant(
    'run/phase-runner.ts',
    'a phase whose steps cannot be created rolls back an irreversible step',
    'failRun(failures, { irreversible, interrupted: signal.aborted }, execution, deps);',
    'failRun(failures, { irreversible: false, interrupted: signal.aborted }, execution, deps);',
  ),
  mutant(
    'run/side-by-side.ts',
    'a step beside others starts before the one that it requires is done',
    'return (await Promise.all(before)).every(Boolean) ? run() : false;',
    'return before.length >= 0 ? run() : false;',
  ),
  mutant(
    'run/side-by-side.ts',
    'a phase ends while one of its steps runs',
    '(await Promise.all(ends.values())).every(Boolean)',
    '(await Promise.race(ends.values()))',
  ),
  mutant(
    'run/phase-runner.ts',
    'another step starts although the run is rolled back',
    '(failures.length === 0 || irreversible)',
    '(failures.length === 0 || steps.length > 0)',
  ),
  mutant(
    'journal/run-directory.ts',
    'records of steps that run side by side overtake each other',
    'const turn = last.then(() => action(...input));',
    'const turn = action(...input);',
  ),
  mutant(
    'run/wait-clock.ts',
    'a run that works while one of its steps waits counts as waiting',
    'running > 0 && waiting === running',
    'running > 0 && waiting > 0',
  ),
  mutant(
    'run/step-runner.ts',
    'a blocked step is applied',
    "if (finding.status === 'ok' || finding.status === 'needed') return;",
    "if (finding.status !== 'unknown') return;",
  ),
];
