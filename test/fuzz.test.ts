import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);
const CASES = 10_000;

it('ten thousand hostile inputs meet nothing but typed errors, in bounded time and memory', async () => {
  const program = path.join(import.meta.dirname, 'fuzz/run.ts');
  const args = ['--conditions=kube-rescue-source', program, '--cases', String(CASES), '--json'];
  const { stdout } = await run(process.execPath, args, { maxBuffer: 64 * 1024 * 1024 });
  const report = JSON.parse(stdout) as {
    readonly cases: number;
    readonly uniqueInputs: number;
    readonly untyped: number;
    readonly peakMemoryMiB: number;
  };
  expect(report.cases).toBeGreaterThanOrEqual(CASES);
  expect(report.uniqueInputs).toBeGreaterThan(CASES * 0.8);
  expect(report.untyped).toBe(0);
  expect(report.peakMemoryMiB).toBeLessThan(1024);
}, 300_000);
