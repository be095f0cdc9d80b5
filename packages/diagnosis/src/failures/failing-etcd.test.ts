import { requireProgram, type RunningEtcd, startEtcd } from '@kube-rescue/testing';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findReason } from './failure-reason.ts';
import { lastWords } from './log-excerpt.ts';

let etcd: RunningEtcd;
let directory: string;

/** The lines of an etcd that ends by itself. */
async function runEtcd(...flags: readonly string[]): Promise<readonly string[]> {
  const free = 'http://127.0.0.1:0';
  const listen = [`--listen-client-urls=${free}`, `--advertise-client-urls=${free}`, `--listen-peer-urls=${free}`];
  const child = spawn('etcd', [...listen, ...flags], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => lines.push(text.toString()));
  await once(child, 'close');
  return lines.join('').split('\n');
}

function reasonIn(lines: readonly string[]) {
  const program = { component: 'etcd', name: 'etcd', source: '/m.yaml', flags: new Map() } as const;
  return findReason(program, { source: '/log', lastAt: undefined, lines })?.reason;
}

/** Overwrites a part of a file of a copy of the data. */
async function damage(name: string, file: RegExp, position: number): Promise<string> {
  const data = path.join(directory, name);
  await cp(etcd.members[0].dataDir, data, { recursive: true });
  const files = (await readdir(data, { recursive: true })).filter((each) => file.test(each)).toSorted();
  const handle = await open(path.join(data, files.at(-1) ?? ''), 'r+');
  await handle.write(Buffer.alloc(64, 0xaa), 0, 64, position);
  await handle.write(Buffer.alloc(64, 0xaa), 0, 64, position + 4096);
  await handle.close();
  return data;
}

describe.skipIf(!requireProgram('etcd'))('a real etcd that ends', () => {
  beforeAll(async () => {
    etcd = await startEtcd({ pki: false });
    directory = await mkdtemp(path.join(tmpdir(), 'failing-etcd-'));
  });
  afterAll(async () => {
    await etcd.stop();
    await rm(directory, { recursive: true });
  });

  it.each(['capnslog', 'zap'])('names the port that is taken, with the logger %s', async (logger) => {
    const [{ endpoint }] = etcd.members;
    const lines = await runEtcd(`--listen-client-urls=${endpoint}`, `--data-dir=${directory}/port-${logger}`);
    expect(reasonIn(lines)).toMatchObject({ code: 'PORT_IN_USE', summary: expect.stringContaining(endpoint.slice(7)) });
  });

  it('names a flag that it does not have', async () => {
    expect(reasonIn(await runEtcd('--no-such-flag'))).toMatchObject({
      code: 'FLAG_UNKNOWN',
      summary: expect.stringContaining('--no-such-flag'),
    });
  });

  it.each([
    ['capnslog', 'its log', /\.wal$/, 100],
    ['zap', 'its log', /\.wal$/, 100],
    ['zap', 'its database', /snap\/db$/, 0],
  ] as const)('has the logger %s, and damage in %s', async (logger, what, file, position) => {
    const data = await damage(`${logger}-${what}`, file, position);
    const lines = await runEtcd(`--data-dir=${data}`, `--logger=${logger}`);
    expect(reasonIn(lines)?.code).toBe('ETCD_DATA_DAMAGED');
    expect(lastWords({ source: '', lastAt: undefined, lines }).join()).toMatch(/crc mismatch|failed to open database/);
  });
});
