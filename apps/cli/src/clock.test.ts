import { mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type PlantedNode, plantNode, runCli } from './cli-process.fixture.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

let node: PlantedNode;
beforeEach(async () => {
  node = await plantNode({ algorithm: 'ecdsa', expired: ['apiserver'] });
});
afterEach(() => node.remove());

/** A file that was written so many days from now. */
async function write(file: string, days: number): Promise<void> {
  const at = path.join(node.root, file);
  await mkdir(path.dirname(at), { recursive: true });
  await writeFile(at, '');
  const date = new Date(Date.now() + days * DAY_MS);
  await utimes(at, date, date);
}

async function writeAhead(): Promise<void> {
  await write('var/log/syslog', 400);
  await write('var/lib/etcd/member/wal/0000000000000001-0000000000000001.wal', 399.5);
}

async function cli(...words: readonly string[]) {
  const { exitCode, stdout } = await runCli([...words, '--root', node.root, '--json']);
  return { exitCode, document: JSON.parse(stdout) as Document };
}

interface Document {
  readonly result?: { readonly causes: readonly { readonly code: string; readonly hint: string }[] };
  readonly error?: { readonly code: string; readonly message: string; readonly hint: string };
}

const certificate = (): Promise<string> => readFile(path.join(node.root, 'etc/kubernetes/pki/apiserver.crt'), 'utf8');

describe('a clock behind the files of the node', () => {
  it('is the first cause, and no other cause advises a recovery', async () => {
    await writeAhead();
    const { exitCode, document } = await cli('triage');
    expect(exitCode).toBe(3);
    const [first, ...others] = document.result?.causes ?? [];
    expect(first?.code).toBe('CLOCK_CONTRADICTED');
    expect(others.map(({ code }) => code)).toContain('PKI_CERTIFICATE_EXPIRED');
    expect(JSON.stringify(others)).not.toContain('kube-rescue recover');
  });

  it.each([
    ['plan'],
    ['recover', '--yes'],
    ['recover', '--dry-run'],
    ['certs', 'renew', '--yes'],
    ['certs', 'rotate-ca', 'cluster', '--same-key', '--yes'],
  ])('stops %s %s %s %s %s before anything is issued, and names each source', async (...words) => {
    await writeAhead();
    const before = await certificate();
    const { exitCode, document } = await cli(...words.filter((word) => typeof word === 'string'));
    expect(exitCode).toBe(4);
    expect(document.error?.code).toBe('CLOCK_CONTRADICTED');
    expect(document.error?.message).toMatch(/\/var\/log: \d{4}-.* UTC, by \/var\/log\/syslog/);
    expect(document.error?.message).toContain('/var/lib/etcd/member/wal: ');
    expect(document.error?.hint).toContain('--clock-is-right');
    expect(await certificate()).toBe(before);
  });

  it('does not stop an operator who says that it is right, and the journal keeps that word', async () => {
    await writeAhead();
    const before = await certificate();
    const { exitCode } = await cli('certs', 'renew', '--yes', '--clock-is-right');
    expect(exitCode).toBe(0);
    expect(await certificate()).not.toBe(before);
    const { document } = await cli('runs');
    expect(JSON.stringify(document)).toContain('certs-renew');
    const [run] = await readRuns();
    expect(run).toContain('"clock-is-right":true');
  });
});

describe('a clock that nothing contradicts', () => {
  it('is no cause when one file is odd, which is noticed, and the plan is made', async () => {
    await write('var/log/syslog', 4000);
    await write('var/log/auth.log', -1);
    const triage = await cli('triage');
    expect(triage.document.result?.causes.map(({ code }) => code)).toEqual(['PKI_CERTIFICATE_EXPIRED']);
    expect(JSON.stringify(triage.document)).toContain('/var/log/syslog is dated ');
    expect((await cli('plan')).exitCode).toBe(3);
  });
});

async function readRuns(): Promise<readonly string[]> {
  const { readdir } = await import('node:fs/promises');
  const directory = path.join(node.root, 'var/lib/kube-rescue/runs');
  const ids = await readdir(directory);
  return Promise.all(ids.map((id) => readFile(path.join(directory, id, 'journal.jsonl'), 'utf8')));
}
