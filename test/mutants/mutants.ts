/** A mistake that somebody could make in `packages/workflow/src`, as one replacement of a text that occurs once in its file. */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const APPLYING = `      for (const { change, material } of edits) {
        const kind = kindOf(kinds, change);
        await kind.apply(change, material);
        onEvent({ type: 'change-made', step, change, text: kind.describe(change) });
      }`;

const mutant = (file: string, name: string, from: string, to: string): Mutant => ({ file, name, from, to });

/** What must not go unnoticed: the order of the journal, what is checked before a write, the lock, and the way back. */
export const MUTANTS: readonly Mutant[] = [
  mutant(
    'journal/step-journal.ts',
    'undo records are written after the changes',
    `      await run.append(...intents);\n${APPLYING}`,
    `${APPLYING}\n      await run.append(...intents);`,
  ),
  mutant('journal/step-journal.ts', 'undo records are not written', '      await run.append(...intents);\n', ''),
  mutant(
    'journal/step-journal.ts',
    'only the first undo record of a unit is written',
    'run.append(...intents)',
    'run.append(...intents.slice(0, 1))',
  ),
  mutant(
    'journal/step-journal.ts',
    'a stale plan is carried out',
    'if (reason !== undefined) throw',
    'if (reason === "") throw',
  ),
  mutant(
    'journal/step-journal.ts',
    'only the first change of a unit is held against its plan',
    'mapConcurrent(edits, LANES, async ({ change }) => {',
    'mapConcurrent(edits.slice(0, 1), LANES, async ({ change }) => {',
  ),
  mutant(
    'journal/step-journal.ts',
    'the changes of a unit are made in another order',
    APPLYING,
    `      for (const { change, material } of edits.toReversed()) {
        const kind = kindOf(kinds, change);
        await kind.apply(change, material);
      }`,
  ),
  mutant(
    'host-changes/file-kinds.ts',
    'a file that somebody has written while the unit was being made is overwritten',
    '      await assertUnchanged(files, change, material);\n',
    '      void assertUnchanged;\n',
  ),
  mutant(
    'run/phase-runner.ts',
    'the steps of a phase that cannot be looked up leave a run without an end',
    'throw await failRun(error, culprit, { irreversible, interrupted: signal.aborted }, execution, deps);',
    'throw error instanceof Error ? error : culprit;',
  ),
  mutant(
    'run/concurrency.ts',
    'a failure is told of while others are still at work',
    '        failures.set(index, error);\n',
    '        failures.set(index, error);\n        throw error;\n',
  ),
  mutant('run/concurrency.ts', 'more is begun after a failure', '      if (failures.size > 0) return;\n', ''),
  mutant(
    'run/runner.ts',
    'a plan of before the lock is believed although somebody ran meanwhile',
    'isFirstRun ? input.planned : undefined',
    'input.planned',
  ),
  mutant(
    'run/phase-runner.ts',
    'numbers of undo records start anew',
    'createSequence(nextSeq)',
    'createSequence(nextSeq * 0)',
  ),
  mutant(
    'host-changes/file-undo.ts',
    'other bytes are kept than were there',
    'backup.keep(bytes)',
    'backup.keep(bytes.subarray(1))',
  ),
  mutant(
    'journal/backup-directory.ts',
    'kept bytes are not checked',
    'sha256(data) === name) return',
    'name !== "") return',
  ),
  mutant(
    'journal/backup-directory.ts',
    'a name may lead out of the backup folder',
    'NAME.test(name) ? await readKept(name) : undefined',
    'await readKept(name)',
  ),
  mutant(
    'journal/backup-directory.ts',
    'kept bytes can be read by others',
    'return host.writeFile(plainFile(name), data, { mode: PRIVATE_FILE_MODE })',
    'return host.writeFile(plainFile(name), data, { mode: 0o644 })',
  ),
  mutant(
    'journal/run-store.ts',
    'the journal can be read by others',
    'appendFile(journal, data, { mode: PRIVATE_FILE_MODE })',
    'appendFile(journal, data, { mode: 0o644 })',
  ),
  mutant(
    'journal/run-store.ts',
    'the backup folder can be read by others',
    '{ mode: PRIVATE_DIRECTORY_MODE }',
    '{ mode: 0o755 }',
  ),
  mutant(
    'run/runner.ts',
    'a run takes no lock',
    "const lock = await host.acquireLock(joinPath(directory, 'lock'), what);",
    'const lock = { release: async () => void [host, joinPath, what] };',
  ),
  mutant('run/runner.ts', 'the lock is not given back', '    await lock.release();\n', ''),
  mutant(
    'run/runner.ts',
    'a rollback takes no lock',
    'return withRunLock(deps, `rollback ${id}`, async () => {',
    'return (async <T>(_: unknown, __: string, act: () => Promise<T>) => act())(deps, id, async () => {',
  ),
  mutant('run/unwind.ts', 'undo records are replayed oldest first', 'b.seq - a.seq', 'a.seq - b.seq'),
  mutant(
    'run/unwind.ts',
    'services are put back before their files',
    '[...newestFirst.filter((intent) => !isLast(intent)), ...newestFirst.filter(isLast)]',
    '[...newestFirst.filter(isLast), ...newestFirst.filter((intent) => !isLast(intent))]',
  ),
  mutant(
    'run/unwind.ts',
    'the first undo that fails ends the rollback',
    'leftovers.push({ change, reason: describeError(error) });',
    'leftovers.push({ change, reason: describeError(error) });\n      break;',
  ),
  mutant(
    'run/unwind.ts',
    'an undo that fails is not told',
    'leftovers.push({ change, reason: describeError(error) });',
    'void describeError(error);',
  ),
  mutant(
    'run/unwind.ts',
    'what was undone is not recorded',
    "await run.append({ type: 'undone', seq, outcome, at: clock.now().toISOString() });",
    'void [seq, clock];',
  ),
  mutant(
    'run/unwind.ts',
    "other people's changes are not named",
    "if (outcome.state === 'foreign')",
    'if (change.target === "")',
  ),
  mutant('run/unwind.ts', 'the reserve is kept while changes are taken back', '  await run.releaseReserve();\n', ''),
  mutant('run/run-end.ts', 'the reserve is never given back', '    await run.releaseReserve();\n', ''),
  mutant(
    'run/run-end.ts',
    'the end of a run is not recorded',
    "await run.append({ type: 'end', outcome, at: clock.now().toISOString(), reason });",
    'void [outcome, clock, reason];',
  ),
  mutant(
    'journal/run-store.ts',
    'no reserve is set aside',
    'await host.writeFile(joinPath(run.path, RESERVE), new Uint8Array(RESERVE_BYTES), { mode: PRIVATE_FILE_MODE });',
    'void RESERVE_BYTES;',
  ),
  mutant('journal/run-store.ts', 'a torn last line stays in the journal', 'if (end < data.length)', 'if (end < 0)'),
  mutant('journal/run-store.ts', 'a journal is repaired away', 'data.subarray(0, end)', 'data.subarray(0, 0)'),
  mutant(
    'journal/journal-record.ts',
    'a torn last line makes a journal unreadable',
    '  lines.pop(); // Empty after a complete last line, torn otherwise.\n',
    '',
  ),
  mutant(
    'journal/journal-record.ts',
    'a line that is no record is passed over',
    'if (record !== undefined) return record;',
    'if (line !== "no line") return record as JournalRecord;',
  ),
  mutant(
    'run/run-state.ts',
    'a change that was left to somebody else counts as undone',
    "record.type === 'undone' && record.outcome.state !== 'foreign'",
    "record.type === 'undone'",
  ),
  mutant(
    'run/run-state.ts',
    'a made step stays unfinished',
    'for (const seq of open) if (intents.get(seq)?.step === record.step) open.delete(seq);',
    '',
  ),
  mutant('run/run-state.ts', 'a resumed run counts as ended', '      end = undefined;\n', ''),
  mutant('run/run-state.ts', 'a verified step is looked at for ever', 'unverified.delete(record.step);', ''),
  mutant(
    'run/runner.ts',
    'a resumed run leaves the step that was cut off half-made',
    'unwind(state.unfinished,',
    'unwind([],',
  ),
  mutant(
    'run/runner.ts',
    'a resumed run takes back what was made and verified',
    'unwind(state.unfinished,',
    'unwind(state.standing,',
  ),
  mutant(
    'run/runner.ts',
    'a resumed run writes behind a torn line',
    "  await run.repair();\n  await run.append({ type: 'resumed'",
    "  await run.append({ type: 'resumed'",
  ),
  mutant(
    'run/runner.ts',
    'a rollback writes behind a torn line',
    '    await run.repair();\n    const { standing }',
    '    const { standing }',
  ),
  mutant(
    'run/runner.ts',
    'a new run begins over one that was cut off',
    'if (cutOff === undefined) return undefined;',
    'if (cutOff?.id !== "") return undefined;',
  ),
  mutant(
    'run/runner.ts',
    'a run is gone on with by another playbook',
    'if (state.playbook !== playbook) {',
    'if (state.playbook === "") {',
  ),
  mutant(
    'run/runner.ts',
    'what was made but not seen to work is not looked at again',
    'resumed?.state.unverified ?? new Set<string>()',
    'new Set<string>()',
  ),
  mutant(
    'run/runner.ts',
    'a run that cannot be made is begun',
    '    await assertFeasible(plan, deps);\n',
    '    void assertFeasible;\n',
  ),
  mutant(
    'run/runner.ts',
    'room for the journal is not looked for',
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
    'what only a person can cure does not stop a run',
    '    assertNotBlocked(plan);\n',
    '    void assertNotBlocked;\n',
  ),
  mutant(
    'run/runner.ts',
    'a plan that a person read is not held against the present',
    'assertSamePlan(input.expected, plan);',
    'void assertSamePlan;',
  ),
  mutant(
    'run/runner.ts',
    'a run does not ask',
    'if (!(await input.confirm(plan)))',
    'if (!(await input.confirm(plan)) && seconds() < 0)',
  ),
  mutant(
    'plan/plan.ts',
    'a plan counts as the same from another state',
    'changes: existing.map(({ kind, target, before }) => ({ kind, target, before }))',
    'changes: existing.map(({ kind, target }) => ({ kind, target }))',
  ),
  mutant(
    'plan/plan.ts',
    'a precaution is taken alone',
    'if (entries.some((entry) => !isPrecaution(entry.step) && isOpen(entry))) return entries;',
    'if (entries.length > 0) return entries;',
  ),
  mutant(
    'run/phase-runner.ts',
    'a precaution is taken again when a run is gone on with',
    '(!execution.hasWork || made.has(step.id))',
    '!execution.hasWork',
  ),
  mutant(
    'run/phase-runner.ts',
    'a proof does not look after what it proves was made',
    '|| (step.isProof === true && step.requires.some((id) => made.has(id)))',
    '&& step.id !== ""',
  ),
  mutant(
    'run/phase-runner.ts',
    'a step that was made is not recorded as made',
    "    await run.append({ type: 'applied', step: step.id, at: at() });\n",
    '',
  ),
  mutant(
    'run/phase-runner.ts',
    'an effect that is not seen counts as seen',
    'if (!verdict.verified) throw',
    'if (!verdict.verified && step.id === "") throw',
  ),
  mutant(
    'run/phase-runner.ts',
    'a failure takes nothing back but its own step',
    'const keepRun = state.irreversible || state.interrupted || stands;',
    'const keepRun = true || stands;',
  ),
  mutant(
    'run/phase-runner.ts',
    'a failure takes a control plane away that answers again',
    'const keepRun = state.irreversible || state.interrupted || stands;',
    'const keepRun = state.interrupted || stands;',
  ),
  mutant(
    'run/phase-runner.ts',
    'a restart that is not seen in time is taken back',
    "const stands = failure.stage === 'verify' && step.reversible === 'no';",
    'const stands = false;',
  ),
  mutant(
    'run/phase-runner.ts',
    'an interrupted run goes on',
    'if (signal.aborted) throw await endInterrupted(execution, deps);',
    '',
  ),
  mutant(
    'run/phase-runner.ts',
    'an interruption takes the whole run back',
    'state.irreversible || state.interrupted || stands;',
    'state.irreversible || stands;',
  ),
  mutant(
    'run/phase-runner.ts',
    'changes that could not be taken back are not told',
    'if (leftovers.length > 0) {',
    'if (leftovers.length > 999) {',
  ),
  mutant(
    'host-changes/file-undo.ts',
    "somebody else's file is overwritten by a rollback",
    'if (beforeOf(present) !== after && beforeOf(present) !== beforeOf(old)) {',
    'if (beforeOf(present) === "") {',
  ),
  mutant(
    'host-changes/file-undo.ts',
    'a file comes back with another mode',
    '{ mode: old.mode, owner',
    '{ mode: 0o600, owner',
  ),
  mutant(
    'host-changes/file-undo.ts',
    'a file comes back with another owner',
    'mode: old.mode, owner: { uid: old.uid, gid: old.gid }',
    'mode: old.mode',
  ),
  mutant(
    'host-changes/file-undo.ts',
    'a link comes back with another owner',
    'await files.writeLink(path, old.target, { owner: { uid: old.uid, gid: old.gid } });',
    'await files.writeLink(path, old.target);',
  ),
  mutant('host-changes/file-undo.ts', 'a file that was not there stays', '    await files.remove(path);\n', ''),
  mutant(
    'host-changes/file-undo.ts',
    'the temporary file of a killed write stays',
    '  await removeTemporary(files, target, watched);\n',
    '  void removeTemporary;\n',
  ),
  mutant(
    'host-changes/file-undo.ts',
    'the temporary file of a killed write in a watched folder is looked for in it',
    'temporaryPathOf(hostPath(target), watched)',
    'temporaryPathOf(hostPath(target), watched && false)',
  ),
  mutant(
    'host-changes/file-kinds.ts',
    'a watched folder sees temporary files',
    '{ mode, owner: { uid, gid }, watched }',
    '{ mode, owner: { uid, gid } }',
  ),
  mutant(
    'host-changes/service-kind.ts',
    'a service that did not run is started by a rollback',
    "was === 'stopped' ? 'stop' : 'restart'",
    "was === '' ? 'stop' : 'restart'",
  ),
  mutant(
    'host-changes/service-kind.ts',
    'a service that was being started is stopped by a rollback',
    "was === 'stopped' ? 'stop' : 'restart'",
    "was === 'running' ? 'restart' : 'stop'",
  ),
  mutant(
    'plan/selection.ts',
    'a step is made without what it needs',
    'if (needed !== undefined) {',
    'if (needed === "") {',
  ),
  mutant(
    'journal/run-store.ts',
    'the name of a run may lead out of its folder',
    'if ((await ids()).includes(id)) return open(id);',
    'if (id !== "") return open(id);',
  ),
  mutant(
    'journal/step-journal.ts',
    'the undo record of each change of a unit is written when its turn comes',
    `      await run.append(...intents);\n${APPLYING}`,
    `      for (const [index, { change, material }] of edits.entries()) {
        await run.append(...intents.slice(index, index + 1));
        await kindOf(kinds, change).apply(change, material);
      }`,
  ),
  mutant(
    'journal/step-journal.ts',
    'what a change leaves is recorded with another digest',
    'undefined : sha256(material);',
    'undefined : sha256(material.subarray(1));',
  ),
  mutant(
    'journal/step-journal.ts',
    'a unit is recorded before it is held against its plan',
    '      await mapConcurrent(edits, LANES, async ({ change }) => {\n        const reason = await kindOf(kinds, change).staleness(change);\n        if (reason !== undefined) throw stale(change, reason);\n      });\n',
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
    'a change that was made already cannot be made again',
    '[change.before, sha256(material)].includes(beforeOf(state))',
    '[change.before].includes(beforeOf(state))',
  ),
  mutant(
    'journal/backup-directory.ts',
    'bytes are kept in plain where there is a seal',
    'if (seal === undefined) return',
    'if (seal === undefined || data.length > 0) return',
  ),
  mutant(
    'journal/backup-directory.ts',
    'sealed bytes can be read by others',
    'await seal(data), { mode: PRIVATE_FILE_MODE }',
    'await seal(data), { mode: 0o644 }',
  ),
  mutant(
    'journal/backup-directory.ts',
    'sealed bytes that this process cannot open count as missing',
    'if (unseal === undefined) throw isSealed(sealedFile(name));',
    'if (unseal === undefined) return undefined;',
  ),
  mutant(
    'journal/backup-directory.ts',
    'a process cannot take back what it has sealed itself',
    '    remembered.set(name, data);\n',
    '',
  ),
  mutant(
    'run/runner.ts',
    'a rollback that left something counts as complete',
    "leftovers.length === 0 ? 'rolled-back' : 'rollback-incomplete'",
    "leftovers.length === -1 ? 'rollback-incomplete' : 'rolled-back'",
  ),
  mutant(
    'run/phase-runner.ts',
    'what follows an interruption within a step is taken for a failure',
    '        throw await failRun(error, step, { irreversible, interrupted: signal.aborted }, execution, deps);',
    '        throw await failRun(error, step, { irreversible, interrupted: false }, execution, deps);',
  ),
  mutant(
    'run/phase-runner.ts',
    'a phase that cannot be looked up takes back what cannot be made again',
    '      throw await failRun(error, culprit, { irreversible, interrupted: signal.aborted }, execution, deps);',
    '      throw await failRun(error, culprit, { irreversible: false, interrupted: signal.aborted }, execution, deps);',
  ),
  mutant(
    'run/phase-runner.ts',
    'a step that waits for a cure is carried out',
    "if (finding.status === 'ok' || finding.status === 'needed') return;",
    "if (finding.status !== 'unknown') return;",
  ),
];
