import { createLocalHost, hostPath, systemClock } from '@kube-rescue/host';
import { describe, expect, it } from 'vitest';
import { watchForReadyApi } from './recovery/api-watch.ts';
import { runRescue } from './rescue-command.ts';

const NODE = { enter: () => ['env'] as const, serviceCommand: hostPath('/bin/false') };
const host = createLocalHost();

describe('our own command on a node', () => {
  it('is run unchanged; its error output arrives line by line, and its answer is parsed', async () => {
    const lines: string[] = [];
    const args = ['runs', '--root', '/does/not/exist'];
    const deps = { host, signal: new AbortController().signal, onLine: (line: string) => void lines.push(line) };
    const answer = await runRescue({ ...NODE, enter: () => ['env', 'TERM=dumb'] }, args, deps);
    expect(answer).toMatchObject({
      exitCode: 2,
      envelope: { ok: false, error: { code: 'USAGE' } },
      lastWords: 'code: USAGE',
    });
    expect(lines[0]).toBe('error: the --root directory is unreadable');
  });
});

describe('the watch for the API server', () => {
  it('ends at once when it is aborted', async () => {
    const ended = AbortSignal.timeout(300);
    const deps = { host, clock: systemClock, signal: ended };
    expect(await watchForReadyApi(NODE, { url: 'https://127.0.0.1:1/readyz', ca: '/nowhere' }, deps)).toBeUndefined();
  });
});
