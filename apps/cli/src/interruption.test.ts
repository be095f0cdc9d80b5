import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

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
