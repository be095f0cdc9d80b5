import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const MODULE = new URL('local-core-dumps.ts', import.meta.url).href;

/** A process with core dumps allowed: the result, and the limits of the process and of a program that it starts. */
async function limited(call: string): Promise<unknown> {
  const script = `
    import { execFileSync } from 'node:child_process';
    import { readFileSync } from 'node:fs';
    import { preventCoreDumps } from ${JSON.stringify(MODULE)};
    const failure = await ${call};
    const texts = [readFileSync('/proc/self/limits', 'latin1'), execFileSync('cat', ['/proc/self/limits'], { encoding: 'latin1' })];
    const limits = texts.map((text) => /^Max core file size +(\\S+)/m.exec(text)[1]);
    console.log(JSON.stringify({ failure, limits }));
  `;
  const words = ['--conditions=kube-rescue-source', '--input-type=module', '-e', script];
  const unlimited = ['-c', 'ulimit -S -c unlimited; exec "$@"', 'sh', process.execPath, ...words];
  return JSON.parse((await promisify(execFile)('sh', unlimited)).stdout);
}

describe('core dumps', () => {
  it('are disabled for a process with keys and for programs that it starts', async () => {
    expect(await limited('preventCoreDumps()')).toEqual({ limits: ['1', '1'] });
    expect(await limited('preventCoreDumps().then(() => preventCoreDumps("not-there"))')).toEqual({
      limits: ['1', '1'],
    });
  });

  it('are reported when they cannot be disabled', async () => {
    const limits = ['unlimited', 'unlimited'];
    expect(await limited('preventCoreDumps("not-there")')).toEqual({
      failure: 'not-there: no such program',
      limits,
    });
    expect(await limited('preventCoreDumps("true")')).toEqual({
      failure: 'true has left the limit at unlimited',
      limits,
    });
  });
});
