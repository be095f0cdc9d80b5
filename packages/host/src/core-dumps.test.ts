import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { leaveMemoryOutOfCoreDumps } from './core-dumps.ts';

const MODULE = new URL('core-dumps.ts', import.meta.url).href;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'kube-rescue-dumps-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('core dumps', () => {
  it('leave out the memory of the process and of the programs that it starts', async () => {
    const script = `
      import { execFileSync } from 'node:child_process';
      import { readFileSync } from 'node:fs';
      import { leaveMemoryOutOfCoreDumps } from ${JSON.stringify(MODULE)};
      const before = readFileSync('/proc/self/coredump_filter', 'latin1');
      const failure = await leaveMemoryOutOfCoreDumps();
      const own = readFileSync('/proc/self/coredump_filter', 'latin1');
      const child = execFileSync('cat', ['/proc/self/coredump_filter'], { encoding: 'latin1' });
      console.log(JSON.stringify({ failure, masks: [before, own, child].map((text) => Number.parseInt(text, 16) === 0) }));
    `;
    const words = ['--conditions=kube-rescue-source', '--input-type=module', '-e', script];
    const { stdout } = await promisify(execFile)(process.execPath, words);
    expect(JSON.parse(stdout)).toEqual({ masks: [false, true, true] });
  });

  it('are told of where that cannot be done', async () => {
    const deaf = path.join(folder, 'deaf');
    await writeFile(deaf, '00000033\n');
    expect(await leaveMemoryOutOfCoreDumps(folder)).toContain('EISDIR');
    // A file that keeps what it held behind what was written, as a kernel that does not listen would.
    expect(await leaveMemoryOutOfCoreDumps(deaf)).toBe(`${deaf} holds 00000033`);
  });

  it('are no matter where the kernel makes none', async () => {
    expect(await leaveMemoryOutOfCoreDumps(path.join(folder, 'not-there'))).toBeUndefined();
  });
});
