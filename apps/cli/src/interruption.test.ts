import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { LEAF_NAMES } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { BIN, plantNode } from './cli-process.fixture.ts';
import { dependsOnSshSession } from './wiring.ts';

const MODULE = fileURLToPath(new URL('../dist/interruption.js', import.meta.url));

/** A program that reports the abort and does not stop by itself. */
const PROGRAM = `
  const { listenForInterruption } = await import(${JSON.stringify(MODULE)});
  const print = (text) => console.log(text);
  const { signal, remember } = listenForInterruption({ print }, 'interrupted; the lab was removed');
  remember('the journal of the run is in /var/lib/kube-rescue/runs/x');
  signal.addEventListener('abort', () => print('aborted with ' + signal.reason.code + ': ' + signal.reason.message));
  setInterval(() => undefined, 1000);
  print('ready');
`;

describe('a lost terminal', () => {
  it('stops the work at its next safe point, and is not taken for a second Ctrl-C', async () => {
    const child = spawn('nohup', [process.execPath, '--input-type=module', '--eval', PROGRAM], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    while (!text.includes('ready')) await once(child.stdout, 'data');
    child.kill('SIGHUP');
    while (!text.includes('aborted with INTERRUPTED')) await once(child.stdout, 'data');
    for (let again = 0; again < 3; again += 1) child.kill('SIGHUP');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(child.exitCode).toBeNull();
    expect(text.match(/stopping at the next safe point/g)).toHaveLength(1);
    child.kill('SIGTERM');
    const [exitCode] = (await once(child, 'close')) as [number | null];
    expect(exitCode).toBe(130);
  });

  it('does not end a run in the middle, also when its output is a terminal that is gone', async () => {
    const node = await plantNode({ expired: [...LEAF_NAMES] });
    // setsid gives the program a terminal of its own; script owns it, and its end hangs it up.
    const command = `${process.execPath} ${BIN} recover --yes --root ${node.root}`;
    const child = spawn('script', ['-qfc', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'ignore'] });
    const runs = path.join(node.root, 'var/lib/kube-rescue/runs');
    const journal = (): string => {
      const [run] = existsSync(runs) ? readdirSync(runs) : [];
      const file = path.join(runs, run ?? '', 'journal.jsonl');
      return run !== undefined && existsSync(file) ? readFileSync(file, 'utf8') : '';
    };
    while (!journal().includes('"applied"')) await new Promise((resolve) => setTimeout(resolve, 2));
    child.kill('SIGKILL');
    await expect.poll(() => /"type":"end"[^\n]*\n$/.test(journal()), { timeout: 30_000 }).toBe(true);
    expect(journal()).toMatch(/"outcome":"(?:interrupted|done)"/);
    await node.remove();
  });
});

describe('a note about the SSH session', () => {
  it('is due without tmux and screen only', () => {
    expect(dependsOnSshSession({ SSH_CONNECTION: '192.0.2.1 1 192.0.2.2 22' })).toBe(true);
    expect(dependsOnSshSession({ SSH_CONNECTION: '192.0.2.1 1 192.0.2.2 22', TMUX: '/tmp/tmux-0/default,1,0' })).toBe(
      false,
    );
    expect(dependsOnSshSession({ SSH_CONNECTION: '192.0.2.1 1 192.0.2.2 22', STY: '1.pts-0' })).toBe(false);
    expect(dependsOnSshSession({ SSH_CONNECTION: '' })).toBe(false);
    expect(dependsOnSshSession({})).toBe(false);
  });
});

describe('Ctrl-C', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('stops the work at first, and the program at the second %s', async (kind) => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    const output = async (what: string): Promise<void> => {
      while (!text.includes(what)) await once(child.stdout, 'data');
    };
    await output('ready');
    child.kill(kind);
    await output('aborted with INTERRUPTED: interrupted; the lab was removed');
    child.kill(kind);
    const [exitCode] = (await once(child, 'close')) as [number | null];
    expect(exitCode).toBe(130);
    expect(text).toContain('ended at once; the journal of the run is in /var/lib/kube-rescue/runs/x');
  });
});
