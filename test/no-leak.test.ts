import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ended, type PlantedNode, plantNode, runCli } from '../apps/cli/src/cli-process.fixture.ts';
import { expectNoSecret, watchProcesses } from './secret-forms.fixture.ts';

let node: PlantedNode;
let desk: string;

beforeAll(async () => {
  node = await plantNode({ expired: ['apiserver', 'admin.conf', 'scheduler.conf', 'kubelet-client', 'etcd/peer'] });
  desk = await mkdtemp(path.join(tmpdir(), 'kube-rescue-leak-'));
});

afterAll(async () => {
  await Promise.all([node.remove(), rm(desk, { recursive: true })]);
});

async function outputOf(...args: readonly string[]): Promise<string> {
  const ended: Ended = await runCli([...args, '--root', node.root]);
  return ended.stdout + ended.stderr;
}

describe('no key shows up', () => {
  it('in any output, plan, journal line or error of a whole recovery', async () => {
    const { privateKeys } = node.pki;
    expect(privateKeys.length).toBeGreaterThan(10);
    const planFile = path.join(desk, 'plan.json');
    const texts: string[] = [];
    const processes = watchProcesses();
    for (const json of [[], ['--json']]) {
      texts.push(await outputOf('triage', ...json), await outputOf('certs', 'check', ...json));
      texts.push(await outputOf('plan', ...json), await outputOf('manifests', 'list', ...json));
      texts.push(await outputOf('recover', '--yes', '--new-keys', ...json));
      const runs = await runCli(['runs', '--json', '--root', node.root]);
      const [id = ''] = /\d{8}T\d{6}Z-[0-9a-f]{4}/.exec(runs.stdout) ?? [];
      texts.push(await readFile(path.join(node.root, 'var/lib/kube-rescue/runs', id, 'journal.jsonl'), 'utf8'));
      texts.push(await outputOf('report', id, ...json));
      texts.push(await outputOf('rollback', id, '--yes', '--force', ...json));
    }
    await outputOf('plan', '--output', planFile);
    texts.push(await readFile(planFile, 'utf8'));
    const seen = processes.stop();
    expect(seen).toContain('recover');
    texts.push(seen);
    // What was made on the way is as secret as what was planted.
    for (const text of texts) expectNoSecret(text, privateKeys);
  });

  it('in the errors about a file that is nothing but a key', async () => {
    const { privateKeys } = node.pki;
    const [key = ''] = privateKeys;
    for (const name of ['pki/apiserver.crt', 'scheduler.conf', 'manifests/etcd.yaml']) {
      const file = path.join(node.root, 'etc/kubernetes', name);
      const good = await readFile(file);
      await writeFile(file, key);
      for (const command of [['triage'], ['recover', '--yes'], ['plan', '--json'], ['certs', 'check']]) {
        expectNoSecret(await outputOf(...command), privateKeys);
      }
      await writeFile(file, good);
    }
  });

  it('to anybody but root: what a run keeps is in folders 0700 and files 0600', async () => {
    const kept = path.join(node.root, 'var/lib/kube-rescue');
    const entries = await readdir(kept, { recursive: true, withFileTypes: true });
    expect(entries.filter((entry) => entry.isFile()).length).toBeGreaterThan(5);
    for (const entry of entries) {
      const { mode } = await stat(path.join(entry.parentPath, entry.name));
      expect((mode & 0o777).toString(8), entry.name).toBe(entry.isDirectory() ? '700' : '600');
    }
  });

  it('with the search able to find one', () => {
    const [key = ''] = node.pki.privateKeys;
    expect(() => expectNoSecret(`before ${key} after`, node.pki.privateKeys)).toThrow();
    for (const shift of ['', 'x', 'xy']) {
      const encoded = Buffer.from(`${shift}${key}`).toString('base64');
      expect(() => expectNoSecret(encoded, [key])).toThrow();
      expect(() => expectNoSecret(Buffer.from(encoded).toString('hex'), [encoded])).toThrow();
    }
    expect(() => expectNoSecret(JSON.stringify({ a: 'x-hunter2hunter2-y' }), ['hunter2hunter2'])).toThrow();
  });
});
