import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BIN, plantNode, runProgram } from './cli-process.fixture.ts';
import { startEtcdNode } from './etcd/etcd-node.fixture.ts';
import { EXIT_MEANINGS } from './exit-codes.ts';

let localFiles: string;
let text: string;

beforeAll(async () => {
  text = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  localFiles = await mkdtemp(path.join(tmpdir(), 'kube-rescue-readme-'));
  const node = await plantNode({ expired: ['apiserver', 'kubelet-client'] });
  await rename(node.root, path.join(localFiles, 'node01'));
  await mkdir(path.join(localFiles, 'bin'));
  await symlink(BIN, path.join(localFiles, 'bin/kube-rescue'));
});

afterAll(() => rm(localFiles, { recursive: true, force: true }));

function linesOf(language: string): readonly string[] {
  const blocks = [...text.matchAll(/^```([^\n]+)\n(.*?)^```$/gms)];
  return blocks.flatMap(([, name, block = '']) => (name === language ? block.trim().split('\n') : []));
}

function environment(): NodeJS.ProcessEnv {
  const PATH = [path.join(localFiles, 'bin'), path.dirname(process.execPath), process.env['PATH']].join(':');
  return { ...process.env, PATH };
}

describe('the README', () => {
  it('has working commands', async () => {
    const lines = linesOf('sh');
    expect(lines.length).toBeGreaterThan(8);
    for (const line of lines) {
      const { exitCode, stderr } = await runProgram('sh', ['-c', line], { cwd: localFiles, env: environment() });
      expect({ line, exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ line, exitCode: 0, stderr: '' });
    }
  });

  // The node needs namespaces, which need root.
  it.runIf(process.getuid?.() === 0)('has working commands for a live node', async () => {
    const node = await startEtcdNode();
    const metadata = { name: 'kube-apiserver', namespace: 'kube-system' };
    await node.create({ apiVersion: 'v1', kind: 'Secret', metadata, data: { 'ca.crt': 'b2xk' } });
    await writeFile(path.join(localFiles, 'ca.crt'), 'new');
    const lines = linesOf('sh live');
    expect(lines.length).toBeGreaterThan(4);
    for (const line of lines) {
      const ended = await node.exec(['sh', '-c', line], { cwd: localFiles, env: environment() });
      const { exitCode, stderr } = ended;
      expect({ line, exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ line, exitCode: 0, stderr: '' });
    }
    await node.remove();
  });

  it('has the table of exit codes', () => {
    const rows = [...text.matchAll(/^\| (\d+) \| (.+) \|$/gm)].map(([, code, meaning]) => [Number(code), meaning]);
    expect(rows).toEqual(EXIT_MEANINGS);
  });
});
