import type { Mutant } from './mutant.ts';

const JOURNAL = { directory: 'packages/workflow', tests: ['journal/*.test.ts'] };
const RUN = { directory: 'packages/workflow', tests: ['journal/*.test.ts', 'run/*.test.ts'] };
const CLI = { directory: 'apps/cli', tests: ['resume/recorded-flags.test.ts', 'resume/handed-in-files.test.ts'] };

/** A damaged, newer or foreign journal is taken for a good one, or a run is resumed as another. */
export const JOURNAL_MUTANTS: readonly Mutant[] = [
  {
    ...JOURNAL,
    name: 'an edited line of the journal is believed',
    file: 'journal/journal-chain.ts',
    from: 'if (prev !== digest) throw',
    to: "if (prev === '') throw",
  },
  {
    ...JOURNAL,
    name: 'a lost line of the journal is passed over',
    file: 'journal/journal-chain.ts',
    from: '      throw isLost(`records before line ${line} are missing: ${n - records}`, subject);',
    to: '      return;',
  },
  {
    ...JOURNAL,
    name: 'a journal of a later version is read',
    file: 'journal/journal-chain.ts',
    from: 'if (version === 1 || version === 2) return version;',
    to: "if (typeof version === 'number') return 2;",
  },
  {
    ...JOURNAL,
    name: 'a record of a later version is read',
    file: 'journal/record-reading.ts',
    from: '  if (verdict !== undefined) throw isNewer(',
    to: "  if (verdict === 'malformed') throw isNewer(",
  },
  {
    ...JOURNAL,
    name: 'a change of a kind of a later version does not stop a rollback',
    file: 'journal/known-kinds.ts',
    from: '  if (unknown.size > 0) {',
    to: '  if (unknown.size > 1) {',
  },
  {
    ...JOURNAL,
    name: 'a shortened journal is taken for a whole one',
    file: 'journal/journal-file.ts',
    from: 'if (!isHeadReached && head !== undefined) throw',
    to: 'if (!isHeadReached && head === undefined) throw',
  },
  {
    ...JOURNAL,
    name: 'the last line of the journal may be edited',
    file: 'journal/journal-file.ts',
    from: 'if (position.digest !== head.digest) {',
    to: "if (head.digest === '') {",
  },
  {
    ...JOURNAL,
    name: 'a lost journal is read as nothing to roll back',
    file: 'journal/journal-file.ts',
    from: '  if (kept.length === 0) return;',
    to: '  if (kept.length >= 0) return;',
  },
  {
    ...JOURNAL,
    name: 'a missing end mark is passed over',
    file: 'journal/journal-file.ts',
    from: 'if (records > 0 && found.head === undefined)',
    to: 'if (records < 0 && found.head === undefined)',
  },
  {
    ...JOURNAL,
    name: 'the end mark is not moved behind an undo record',
    file: 'journal/run-directory.ts',
    from: "return type !== 'run' && type !== 'undone';",
    to: "return type !== 'run' && type !== 'undone' && type !== 'intent' && type !== 'end';",
  },
  {
    ...JOURNAL,
    name: 'a record is appended to a torn line',
    file: 'journal/run-directory.ts',
    from: '      position = undefined;\n      await host.appendFile',
    to: '      await host.appendFile',
  },
  {
    ...JOURNAL,
    name: 'runs are ordered by the clock',
    file: 'journal/run-store.ts',
    from: 'a.number === b.number ?',
    to: 'a.number !== -1 ?',
  },
  {
    ...JOURNAL,
    name: 'one damaged journal hides every run',
    file: 'journal/run-store.ts',
    from: '    return { id, damage: {',
    to: '    if (id !== "") throw error;\n    return { id, damage: {',
  },
  {
    ...JOURNAL,
    name: 'a new run begins beside one whose changes may be incomplete',
    file: 'run/resumable-run.ts',
    from: 'if (damage !== undefined) throw damage.error;',
    to: 'if (damage === null) throw damage;',
  },
  {
    ...JOURNAL,
    name: 'a rollback of version 1 adds to the backup before there is an end mark',
    file: 'run/runner.ts',
    from: '    await run.markEnd();\n',
    to: '',
  },
  {
    ...RUN,
    name: 'a run is resumed with other flags than it began with',
    file: 'run/resume-origin.ts',
    from: '  if (first === undefined) return;',
    to: "  if (first !== '') return;",
  },
  {
    ...RUN,
    name: 'a run is resumed with other files than were handed in',
    file: 'run/resume-origin.ts',
    from: 'if (files[name] === now[name]) return [];',
    to: 'if (files[name] !== undefined && now[name] !== undefined) return [];',
  },
  {
    ...RUN,
    name: 'a sealed run keeps plain backups when it is resumed',
    file: 'run/runner.ts',
    from: 'if (then === now || ',
    to: "if (now === 'not encrypted' || ",
  },
  {
    ...CLI,
    name: 'the value of a patched field is recorded in the journal',
    file: 'resume/recorded-flags.ts',
    from: "const SECRET = ['set'];",
    to: 'const SECRET: readonly string[] = [];',
  },
];
