import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { BIN, plantNode, runCli } from '../apps/cli/src/cli-process.fixture.ts';

const EXPIRED = [
  'apiserver',
  'etcd/server',
  'etcd/peer',
  'front-proxy-client',
  'scheduler.conf',
  'kubelet-client',
] as const;

async function fingerprint(root: string): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const entry of await readdir(path.join(root, 'etc'), { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isSymbolicLink()) lines.push(`${file} -> ${await readlink(file)}`);
    if (!entry.isFile()) continue;
    const { mode, uid, gid } = await stat(file);
    lines.push(
      `${file} ${mode} ${uid}:${gid} ${createHash('sha256')
        .update(await readFile(file))
        .digest('hex')}`,
    );
  }
  return lines.toSorted();
}

/** Starts a real recovery and kills it once its journal has this many lines. */
async function killAtLine(root: string, lines: number): Promise<boolean> {
  const runs = path.join(root, 'var/lib/kube-rescue/runs');
  const child = spawn(process.execPath, [BIN, 'recover', '--yes', '--root', root], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  while (child.exitCode === null && child.signalCode === null) {
    const [id] = await readdir(runs).catch(() => []);
    const journal =
      id === undefined ? '' : await readFile(path.join(runs, id, 'journal.jsonl'), 'utf8').catch(() => '');
    if (journal.split('\n').length > lines) child.kill('SIGKILL');
    await new Promise((resolve) => setImmediate(resolve));
  }
  await ended;
  return child.signalCode === 'SIGKILL';
}

// The step laws kill at every single write, in memory; here the kernel does it to a real process on real files.
describe('a killed recovery', () => {
  it.each([1, 4, 9, 15])('after line %i of its journal is resumed, or rolled back to the byte', async (lines) => {
    for (const continuation of ['resume', 'rollback'] as const) {
      const node = await plantNode({ expired: EXPIRED });
      try {
        const before = await fingerprint(node.root);
        expect(await killAtLine(node.root, lines)).toBe(true);
        const refused = await runCli(['recover', '--yes', '--json', '--root', node.root]);
        const hint = expect.stringContaining(`(\`kube-rescue recover --resume --root ${node.root}\`)`) as string;
        expect(JSON.parse(refused.stdout)).toMatchObject({ ok: false, error: { code: 'RUN_UNFINISHED', hint } });
        if (continuation === 'resume') {
          expect((await runCli(['recover', '--resume', '--yes', '--root', node.root])).exitCode).toBe(0);
          expect((await runCli(['certs', 'check', '--root', node.root])).exitCode).toBe(0);
        } else {
          const [id = ''] = await readdir(path.join(node.root, 'var/lib/kube-rescue/runs'));
          expect((await runCli(['rollback', id, '--yes', '--force', '--root', node.root])).exitCode).toBe(0);
          expect(await fingerprint(node.root)).toEqual(before);
        }
      } finally {
        await node.remove();
      }
    }
  });
});
