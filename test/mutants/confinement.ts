import type { Mutant } from './mutant.ts';

const PROGRAMS = { directory: 'packages/host', tests: ['local/child-environment.test.ts'] };
const LOCK = { directory: 'packages/host', tests: ['local/local-lock.test.ts'] };
const LOST_LOCK = { directory: 'packages/workflow', tests: ['run/run-lock.test.ts'] };
const COPY = { directory: 'packages/workflow', tests: ['run/copied-run.test.ts'] };
const DIAL = { directory: 'packages/cluster-objects', tests: ['api/api-object-store.test.ts'] };
const REDACTION = { directory: 'packages/errors', tests: ['redact-forms.test.ts'] };

/** What leaves a copy, reaches a child or the output, and a lock that is believed to be held. */
export const CONFINEMENT_MUTANTS: readonly Mutant[] = [
  {
    ...PROGRAMS,
    name: 'a child gets the whole environment',
    file: 'local/child-environment.ts',
    from: 'PASSED.test(name) ||',
    to: 'true ||',
  },
  {
    ...PROGRAMS,
    name: 'a directory of PATH that everyone can write counts',
    file: 'local/trusted-programs.ts',
    from: '(stat.mode & OTHERS_WRITE) === 0;',
    to: '(stat.mode & OTHERS_WRITE) >= 0;',
  },
  {
    ...PROGRAMS,
    name: 'a directory of PATH that another group can write counts',
    file: 'local/trusted-programs.ts',
    from: 'isOwn(stat) && isGroupClosed &&',
    to: 'isOwn(stat) &&',
  },
  {
    ...PROGRAMS,
    name: 'a relative directory of PATH counts',
    file: 'local/trusted-programs.ts',
    from: 'path.isAbsolute(directory) && ',
    to: '',
  },
  {
    ...PROGRAMS,
    name: 'a program of another user is run',
    file: 'local/trusted-programs.ts',
    from: 'found.find(isTrustedFile)',
    to: 'found.find(() => true)',
  },
  {
    ...LOCK,
    name: 'a removed or replaced lock file counts as held',
    file: 'local/local-lock.ts',
    from: 'return named !== undefined && named.dev === own.dev && named.ino === own.ino;',
    to: 'return named !== own;',
  },
  {
    ...LOST_LOCK,
    name: 'a run does not check its lock',
    file: 'run/run-lock.ts',
    from: '!(await isHeld(lock))',
    to: '!(await isHeld(lock)) && path.length === 0',
  },
  {
    ...COPY,
    name: 'a run in a copy undoes more than files',
    file: 'run/copied-run.ts',
    from: "if (host.kind === 'live') return;",
    to: 'if (host.kind !== undefined) return;',
  },
  {
    ...DIAL,
    name: 'the API server is connected to beside the host',
    file: 'api/api-access.ts',
    from: 'if (dial === undefined) {',
    to: 'if (dial !== null) {',
  },
  {
    ...REDACTION,
    name: 'a key in DER is not recognized',
    file: 'encoded-secrets.ts',
    from: 'if (holdsPrivateKey(bytes)) return true;',
    to: '',
  },
  {
    ...REDACTION,
    name: 'an encoding within an encoding is not followed',
    file: 'encoded-secrets.ts',
    from: 'if (depth >= MOST_LAYERS)',
    to: 'if (depth >= 1)',
  },
];
