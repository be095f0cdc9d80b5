import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLocalHost, hostPath } from '@kube-rescue/host';
import { plantTree } from '@kube-rescue/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BIN, type Ended, type PlantedNode, plantNode, runCli } from '../apps/cli/src/cli-process.fixture.ts';
import { expectNoSecret, watchProcesses } from './secret-forms.fixture.ts';

let node: PlantedNode;
let localFiles: string;

beforeAll(async () => {
  node = await plantNode({ expired: ['apiserver', 'admin.conf', 'scheduler.conf', 'kubelet-client', 'etcd/peer'] });
  localFiles = await mkdtemp(path.join(tmpdir(), 'kube-rescue-leak-'));
});

afterAll(async () => {
  await Promise.all([node.remove(), rm(localFiles, { recursive: true })]);
});

async function outputOf(...args: readonly string[]): Promise<string> {
  const ended: Ended = await runCli([...args, '--root', node.root]);
  return ended.stdout + ended.stderr;
}

/** Otherwise a program receives core dumps and stores them elsewhere. */
const WRITES_CORES = /^[^|/]+$/.test(readFileSync('/proc/sys/kernel/core_pattern', 'latin1').trim());

interface Aborted {
  /** The limit of the core file in `/proc`. */
  readonly limit: string | undefined;
  /** `undefined` without a core file. */
  readonly core: Buffer | undefined;
}

/** Runs Node.js with these arguments and core dumps enabled, sends `signal` once `isDue`, and removes the core file. */
async function abort(words: readonly string[], signal: NodeJS.Signals, isDue: () => boolean): Promise<Aborted> {
  const cwd = await mkdtemp(path.join(localFiles, 'core-'));
  const unlimited = ['-c', 'ulimit -S -c unlimited; exec "$@"', 'sh', process.execPath, ...words];
  const child = spawn('sh', unlimited, { cwd, stdio: 'ignore' });
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  while (!isDue() && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 1));
  const limits = readFileSync(`/proc/${child.pid}/limits`, 'latin1');
  child.kill(signal);
  expect((await ended)[1], 'the process was aborted before its end').toBe(signal);
  const [name] = await readdir(cwd);
  const core = name === undefined ? undefined : await readFile(path.join(cwd, name));
  await rm(cwd, { recursive: true });
  return { limit: /^Max core file size +(\S+)/m.exec(limits)?.[1], core };
}

describe('no private key leaks', () => {
  it('into any output, plan, journal line or error of a whole recovery', async () => {
    const { privateKeys } = node.pki;
    expect(privateKeys.length).toBeGreaterThan(10);
    const planFile = path.join(localFiles, 'plan.json');
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
    await outputOf('plan', '--out', planFile);
    texts.push(await readFile(planFile, 'utf8'));
    const seen = processes.stop();
    expect(seen).toContain('recover');
    texts.push(seen);
    // New keys are as secret as the original ones.
    for (const text of texts) expectNoSecret(text, privateKeys);
  });

  it('in the errors about a file with only a key', async () => {
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

  it('to another user: a run keeps its files in directories 0700 and files 0600', async () => {
    const kept = path.join(node.root, 'var/lib/kube-rescue');
    const entries = await readdir(kept, { recursive: true, withFileTypes: true });
    expect(entries.filter((entry) => entry.isFile()).length).toBeGreaterThan(5);
    for (const entry of entries) {
      const { mode } = await stat(path.join(entry.parentPath, entry.name));
      expect((mode & 0o777).toString(8), entry.name).toBe(entry.isDirectory() ? '700' : '600');
    }
  });

  it('into a core file: an aborted recovery writes none', { timeout: 300_000 }, async () => {
    const other = await plantNode({ expired: ['apiserver', 'etcd/peer'] });
    const runs = path.join(other.root, 'var/lib/kube-rescue/runs');
    for (const signal of ['SIGABRT', 'SIGSEGV'] as const) {
      const words = [BIN, 'recover', '--yes', '--new-keys', '--root', other.root];
      const aborted = await abort(words, signal, () => existsSync(runs) && readdirSync(runs).length > 0);
      expect(aborted).toEqual({ limit: '1', core: undefined });
      await rm(path.join(other.root, 'var'), { recursive: true });
      await plantTree(createLocalHost({ root: hostPath(other.root) }), other.pki.tree);
    }

    // The core file of an unprotected program contains the key.
    const key = path.join(other.root, 'etc/kubernetes/pki/ca.key');
    const [ready, script] = [path.join(localFiles, 'ready'), path.join(localFiles, 'careless.cjs')];
    const lines = [
      "const { readFileSync, writeFileSync } = require('node:fs');",
      `const held = readFileSync(${JSON.stringify(key)});`,
      'setInterval(() => held, 9);',
      `writeFileSync(${JSON.stringify(ready)}, '');`,
    ];
    await writeFile(script, lines.join('\n'));
    const careless = await abort([script], 'SIGABRT', () => existsSync(ready));
    expect(careless.limit).toBe('unlimited');
    expect(careless.core?.includes(await readFile(key)) ?? false, 'the key is in the core file').toBe(WRITES_CORES);
    await other.remove();
  });

  it('unnoticed: the search finds a leaked key', () => {
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
