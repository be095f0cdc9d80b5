import { describe, expect, it } from 'vitest';
import { readCall } from './call.ts';
import { withHintCommands } from './hint-commands.ts';

const FLAGS: Readonly<Record<string, readonly string[]>> = { plan: ['root'], recover: ['root'], 'pods rescue': [] };
const ON_A_COPY = readCall(['--root', '/mnt/node01'], {
  program: 'kubectl rescue',
  flagsOf: (words) => FLAGS[words],
});

describe('advice in a document', () => {
  it('has its commands as data, whole, and names them in the same form', () => {
    const error = { code: 'X', hint: 'read `kube-rescue plan`, run `kubectl get pods`, then `kube-rescue recover`' };
    expect(withHintCommands({ error }, ON_A_COPY)).toEqual({
      error: {
        code: 'X',
        hint: 'read `kubectl rescue plan --root /mnt/node01`, run `kubectl get pods`, then `kubectl rescue recover --root /mnt/node01`',
        commands: ['kubectl rescue plan --root /mnt/node01', 'kubectl rescue recover --root /mnt/node01'],
      },
    });
  });

  it('of a next step begins with its command, each once', () => {
    const next = { command: 'plan', text: 'lists the changes; `kube-rescue plan`, then `kube-rescue recover`' };
    expect(withHintCommands([{ next }], ON_A_COPY)).toMatchObject([
      {
        next: {
          command: 'plan',
          commands: ['kubectl rescue plan --root /mnt/node01', 'kubectl rescue recover --root /mnt/node01'],
        },
      },
    ]);
    expect(withHintCommands({ command: null, text: 'set the clock' }, undefined)).toEqual({
      command: null,
      text: 'set the clock',
      commands: [],
    });
  });

  it('without a command, or without advice where there could be some, has an empty list', () => {
    expect(withHintCommands({ hint: 'set `date`' }, ON_A_COPY)).toEqual({ hint: 'set `date`', commands: [] });
    expect(withHintCommands({ hint: null }, ON_A_COPY)).toEqual({ hint: null, commands: [] });
    expect(withHintCommands({ subject: null }, ON_A_COPY)).toEqual({ subject: null });
  });

  it('is not looked for in the objects of a cluster', () => {
    const object = { apiVersion: 'v1', kind: 'ConfigMap', data: { hint: 'run `kube-rescue plan`', text: '' } };
    expect(withHintCommands({ objects: [object] }, ON_A_COPY)).toEqual({ objects: [object] });
  });
});
