import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);
const CASES = 10_000;

interface Total {
  readonly seed: number;
  readonly cases: number;
  readonly uniqueInputs: number;
  readonly peakMemoryMiB: number;
  readonly targets: readonly { readonly target: string; readonly failures: readonly object[] }[];
}

it('ten thousand hostile inputs cause only typed errors, in bounded time and memory', async () => {
  const program = path.join(import.meta.dirname, 'fuzz/run.ts');
  // A limit for live objects; the measured peak also counts uncollected garbage.
  const node = ['--max-old-space-size=512', '--conditions=kube-rescue-source'];
  const argv = [...node, program, '--cases', String(CASES), '--json'];
  const { stdout, stderr } = await run(process.execPath, argv, { maxBuffer: 64 * 1024 * 1024 }).catch(
    // It exits 1 after a failure, with the same report.
    (failure: { stdout: string; stderr: string }) => failure,
  );
  expect(stdout, stderr).not.toBe('');
  const total = JSON.parse(stdout) as Total;
  const failures = total.targets.flatMap(({ target, failures: found }) => found.map((each) => ({ target, ...each })));
  expect(failures, `seed ${total.seed}`).toEqual([]);
  expect(total.cases).toBeGreaterThanOrEqual(CASES);
  expect(total.uniqueInputs).toBeGreaterThan(CASES * 0.8);
  expect(total.peakMemoryMiB).toBeLessThan(1536);
}, 300_000);
