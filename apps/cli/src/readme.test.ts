import { mkdir, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BIN, plantNode, runProgram } from './cli-process.fixture.ts';
import { EXIT_MEANINGS } from './exit-codes.ts';

let desk: string;
let text: string;

beforeAll(async () => {
  text = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  desk = await mkdtemp(path.join(tmpdir(), 'kube-rescue-readme-'));
  const node = await plantNode({ expired: ['apiserver', 'kubelet-client'] });
  await rename(node.root, path.join(desk, 'node01'));
  await mkdir(path.join(desk, 'bin'));
  await symlink(BIN, path.join(desk, 'bin/kube-rescue'));
});

afterAll(() => rm(desk, { recursive: true, force: true }));

describe('the README', () => {
  it('has commands that work as they stand', async () => {
    const blocks = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block);
    const lines = blocks.join('').trim().split('\n');
    expect(lines.length).toBeGreaterThan(8);
    const PATH = [path.join(desk, 'bin'), path.dirname(process.execPath), process.env['PATH']].join(':');
    for (const line of lines) {
      const { exitCode, stderr } = await runProgram('sh', ['-c', line], { cwd: desk, env: { ...process.env, PATH } });
      expect({ line, exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ line, exitCode: 0, stderr: '' });
    }
  });

  it('has the table of exit codes', () => {
    const rows = [...text.matchAll(/^\| (\d+) \| (.+) \|$/gm)].map(([, code, meaning]) => [Number(code), meaning]);
    expect(rows).toEqual(EXIT_MEANINGS);
  });
});
