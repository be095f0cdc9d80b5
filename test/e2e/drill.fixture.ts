import { expect, inject } from 'vitest';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../../apps/cli/src/cli-process.fixture.ts';
import { expectNoTraces, labsNamedIn } from './lab-traces.fixture.ts';

const DRILL = fileURLToPath(new URL('../../apps/drill/bin/run.js', import.meta.url));

export interface DrillResult {
  readonly scenario: string;
  readonly kubernetes: string;
  readonly proofs: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[];
  readonly recovery: {
    readonly secondsToUsableApi: number;
    readonly secondsToWorkloads: number;
    readonly secondsToService: number | null;
    readonly seconds: number;
    readonly runId: string;
  };
}

/** A drill with successful proofs that left nothing behind. */
export interface Drilled<R> {
  readonly result: R;
  readonly names: readonly string[];
  /** The kinds of its proofs but for that of the carried file, in order: the words before the colon, each once. */
  readonly kinds: readonly string[];
  /** The progress output. */
  readonly progress: string;
}

/**
 * Runs `kube-rescue-drill --json` with these arguments and the one file on nodes without Node.js and npm; any proof that did not
 * hold fails the test.
 */
export async function drill<R extends Pick<DrillResult, 'proofs'> = DrillResult>(
  ...args: readonly string[]
): Promise<Drilled<R>> {
  const { exitCode, stdout, stderr } = await runProgram(process.execPath, [
    DRILL,
    ...['--json', '--executable', inject('executable')],
    ...args,
  ]);
  const { ok, result, error } = JSON.parse(stdout) as {
    readonly ok: boolean;
    readonly result?: R;
    readonly error?: { readonly code?: string; readonly message?: string };
  };
  const proofs = result?.proofs ?? [];
  const failed = proofs.filter((proof) => !proof.ok).map(({ name, detail }) => `${name}: ${detail}`);
  const why = [...failed, error === undefined ? '' : `${error.code ?? ''}: ${error.message ?? ''}`].join('\n');
  // The reason first, for truncated logs; then the last progress.
  expect({ ok, exitCode, failed }, `${why}\n${stderr.slice(-2000)}`).toEqual({ ok: true, exitCode: 0, failed: [] });
  await expectNoTraces(labsNamedIn(stderr));
  const names = proofs.map(({ name }) => name);
  const [first, ...kinds] = [...new Set(names.map((name) => name.split(':')[0] ?? ''))];
  expect(first).toBe('carried');
  expect(proofs[0]?.detail).toContain('hidden: ');
  return { result: result as R, names, kinds, progress: stderr };
}
