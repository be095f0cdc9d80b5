import { expectCode } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { commandWords } from './command-words.ts';

const words = async (argv: readonly string[], parsed: readonly string[]) => commandWords(argv, parsed);

describe('the command of a throwaway API server', () => {
  it('is what is behind --', async () => {
    expect(await words([], [])).toBeUndefined();
    const typed = ['--port', '1', '--', 'kubectl', 'get', 'pods', '--', 'x'];
    expect(await words(typed, ['kubectl', 'get', 'pods', '--', 'x'])).toEqual(['kubectl', 'get', 'pods', '--', 'x']);
  });

  it('is refused in front of --, without --, and when it is missing', async () => {
    await expectCode(words(['get'], ['get']), 'USAGE');
    await expectCode(words(['get', '--', 'kubectl'], ['get', 'kubectl']), 'USAGE');
    await expectCode(words(['--'], []), 'USAGE');
  });
});
