import { createPrivateKey } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ended, type PlantedNode, plantNode, runCli } from '../apps/cli/src/cli-process.fixture.ts';

let node: PlantedNode;
let desk: string;

beforeAll(async () => {
  node = await plantNode({ expired: ['apiserver', 'admin.conf', 'scheduler.conf', 'kubelet-client', 'etcd/peer'] });
  desk = await mkdtemp(path.join(tmpdir(), 'kube-rescue-leak-'));
});

afterAll(async () => {
  await Promise.all([node.remove(), rm(desk, { recursive: true })]);
});

/** A key as it could show up: its PEM lines, that PEM in base64, its DER in base64 and in hexadecimal. */
function formsOf(pem: string): readonly string[] {
  const der = createPrivateKey(pem).export({ format: 'der', type: 'pkcs8' });
  const middle = pem
    .split('\n')
    .slice(2, -3)
    .filter((line) => line.length >= 32);
  const embedded = Buffer.from(pem).toString('base64');
  return [
    ...middle,
    embedded.slice(80, 144),
    der.toString('hex').slice(-96, -8),
    der.toString('base64').slice(-80, -8),
  ];
}

function expectNoKey(text: string, keys: readonly string[]): void {
  for (const form of keys.flatMap(formsOf)) expect(text.includes(form), `found ${form.slice(0, 12)}…`).toBe(false);
  expect(text).not.toContain('PRIVATE KEY-----');
}

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
    for (const json of [[], ['--json']]) {
      texts.push(await outputOf('triage', ...json), await outputOf('certs', 'check', ...json));
      texts.push(await outputOf('plan', ...json), await outputOf('manifests', 'list', ...json));
      texts.push(await outputOf('recover', '--yes', '--new-keys', ...json));
      const runs = await runCli(['runs', '--json', '--root', node.root]);
      const [id = ''] = /\d{8}T\d{6}Z-[0-9a-f]{4}/.exec(runs.stdout) ?? [];
      texts.push(await readFile(path.join(node.root, 'var/lib/kube-rescue/runs', id, 'journal.jsonl'), 'utf8'));
      texts.push(await outputOf('rollback', id, '--yes', '--force', ...json));
    }
    await outputOf('plan', '--output', planFile);
    texts.push(await readFile(planFile, 'utf8'));
    // What was made on the way is as secret as what was planted.
    for (const text of texts) expectNoKey(text, privateKeys);
  });

  it('in the errors about a file that is nothing but a key', async () => {
    const { privateKeys } = node.pki;
    const [key = ''] = privateKeys;
    for (const name of ['pki/apiserver.crt', 'scheduler.conf', 'manifests/etcd.yaml']) {
      const file = path.join(node.root, 'etc/kubernetes', name);
      const good = await readFile(file);
      await writeFile(file, key);
      for (const command of [['triage'], ['recover', '--yes'], ['plan', '--json'], ['certs', 'check']]) {
        expectNoKey(await outputOf(...command), privateKeys);
      }
      await writeFile(file, good);
    }
  });

  it('with the search able to find one', () => {
    const [key = ''] = node.pki.privateKeys;
    expect(() => expectNoKey(`before ${key} after`, node.pki.privateKeys)).toThrow();
    expect(() => expectNoKey(Buffer.from(key).toString('base64'), [key])).toThrow();
  });
});
