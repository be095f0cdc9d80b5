import type { Mutant } from './mutant.ts';

const TRUST = { directory: 'packages/host', tests: ['trust/path-trust.test.ts', 'trust/guarded-host.test.ts'] };
const FILES = { directory: 'packages/host', tests: ['local/local-files.test.ts'] };
const PROCESSES = {
  directory: 'packages/node-config',
  tests: [
    'components/trusted-process.test.ts',
    'components/pod-cgroup.test.ts',
    'kubelet/kubelet-configuration.test.ts',
  ],
};

/** A source that another user than root could have written is believed. */
export const TRUST_MUTANTS: readonly Mutant[] = [
  {
    ...TRUST,
    name: 'the sticky bit makes a directory trusted',
    file: 'trust/path-trust.ts',
    from: 'if (above !== undefined && !(allowSticky && above.isSticky)) return above;',
    to: 'if (above !== undefined && !above.isSticky) return above;',
  },
  {
    ...TRUST,
    name: 'the owner of a link does not count',
    file: 'trust/path-trust.ts',
    from: '      if (found !== undefined) return found;\n',
    to: '',
  },
  {
    ...TRUST,
    name: 'a group may write',
    file: 'trust/path-trust.ts',
    from: 'const WRITABLE_BY_GROUP = 0o020;',
    to: 'const WRITABLE_BY_GROUP = 0o000;',
  },
  {
    ...TRUST,
    name: 'the user who runs this is trusted on a live machine',
    file: 'trust/path-trust.ts',
    from: "(host.kind === 'copy' && stat.uid === host.userId())",
    to: 'stat.uid === 1000',
  },
  {
    ...TRUST,
    name: 'an account with a login shell is a service account',
    file: 'trust/service-account.ts',
    from: ' && NO_LOGIN.test(shell)',
    to: ' && shell !== undefined',
  },
  {
    ...TRUST,
    name: 'our own directory may be a link',
    file: 'trust/guarded-host.ts',
    from: '{ known: ownKnown, ownDirectory: STATE_DIRECTORY }',
    to: '{ known: ownKnown }',
  },
  {
    ...TRUST,
    name: 'a file is replaced in a directory that others can write',
    file: 'trust/guarded-host.ts',
    from: '      await assertEntry(path);\n      await host.writeFile(path, ...rest);',
    to: '      await host.writeFile(path, ...rest);',
  },
  {
    ...FILES,
    name: 'a FIFO is opened before it is refused',
    file: 'local/local-files.ts',
    from: 'const identified = openSync(real, O_PATH);',
    to: 'const identified = openSync(real, constants.O_RDONLY | constants.O_NONBLOCK);',
  },
  {
    ...FILES,
    name: 'a lock of another user is written',
    file: 'local/local-files.ts',
    from: 'if (uid !== 0 && uid !== process.getuid?.())',
    to: 'if (uid === -1)',
  },
  {
    ...PROCESSES,
    name: 'a set-user-ID program is believed',
    file: 'components/trusted-process.ts',
    from: 'if ((program.mode & SET_ID) !== 0)',
    to: 'if (program.mode === SET_ID)',
  },
  {
    ...PROCESSES,
    name: 'a process in a pod is believed',
    file: 'components/trusted-process.ts',
    from: "return parsePodCgroup(cgroup) === undefined ? undefined : 'it runs in a pod';",
    to: 'return undefined;',
  },
  {
    ...PROCESSES,
    name: 'a part of the path makes a pod',
    file: 'components/pod-cgroup.ts',
    from: "const END = '(?:/.*)?$';",
    to: "const END = '';",
  },
  {
    ...PROCESSES,
    name: 'a service of a user makes pods',
    file: 'components/pod-cgroup.ts',
    from: ' || !isOfRoot(above)',
    to: '',
  },
  {
    ...PROCESSES,
    name: 'another process wins over the unit',
    file: 'components/node-service.ts',
    from: 'const chosen = main ?? (isNamed ? undefined : believed[0]);',
    to: 'const chosen = believed[0] ?? main;',
  },
];
