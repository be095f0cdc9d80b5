import { createHash } from 'node:crypto';
import { isRecoveryError } from '@kube-rescue/errors';
import { type CoverageWatch, watchCoverage } from './coverage.ts';
import { createMutator, type Mutator } from './mutation.ts';
import type { FuzzTarget } from './fuzz-target.ts';

/** The results of one target. */
export interface FuzzReport {
  readonly target: string;
  readonly cases: number;
  readonly uniqueInputs: number;
  /** Inputs that reached new code. */
  readonly corpus: number;
  readonly accepted: number;
  /** Rejections by code. */
  readonly refused: Readonly<Record<string, number>>;
  /** Untyped errors and slow inputs, with the input in base64. */
  readonly failures: readonly { readonly message: string; readonly input: string }[];
  readonly slowestMs: number;
}

/** The limit of processor time for 256 KiB; a slower parser could be stalled with a file. */
const LONGEST_MS = 5000;
const MOST_FAILURES = 5;
/** Coverage is read once for this many cases, because reading costs more than most cases. */
const BATCH = 16;

/** Runs a target with `cases` inputs: its corpus, and mutations. */
export async function fuzz(target: FuzzTarget, cases: number, seed: number): Promise<FuzzReport> {
  const mutator = createMutator(seed);
  const watch = await watchCoverage(target.directory);
  try {
    return await run(target, cases, mutator, watch);
  } finally {
    await watch.stop();
  }
}

async function run(target: FuzzTarget, cases: number, mutator: Mutator, watch: CoverageWatch): Promise<FuzzReport> {
  const corpus: Buffer[] = [...(await target.corpus())];
  const whole = corpus.length;
  const digests = new Set<string>();
  const refused: Record<string, number> = {};
  const failures: { message: string; input: string }[] = [];
  let [accepted, slowestMs] = [0, 0];
  let batch: Buffer[] = [];
  for (let done = 0; done < cases && failures.length < MOST_FAILURES; done += 1) {
    // One in three mutates an original input: inputs with many mutations are rejected early.
    const among = mutator.below(3) === 0 ? whole : corpus.length;
    const base = corpus[done < whole ? done : mutator.below(among)] ?? Buffer.alloc(0);
    const input = done < whole ? base : mutator.mutate(base, corpus);
    digests.add(createHash('sha256').update(input).digest('base64'));
    const start = process.cpuUsage();
    try {
      await target.run(input);
      accepted += 1;
    } catch (error) {
      if (isRecoveryError(error)) refused[error.code] = (refused[error.code] ?? 0) + 1;
      else failures.push({ message: String((error as Error).stack ?? error), input: input.toString('base64') });
    }
    const { user, system } = process.cpuUsage(start);
    const tookMs = (user + system) / 1000;
    slowestMs = Math.max(slowestMs, tookMs);
    if (tookMs > LONGEST_MS)
      failures.push({ message: `took ${tookMs.toFixed(0)} ms of processor time`, input: input.toString('base64') });
    batch.push(input);
    if (batch.length < BATCH) continue;
    if ((await watch.news()) > 0) corpus.push(...batch.filter((each) => each.length > 0));
    batch = [];
  }
  return {
    target: target.name,
    cases,
    uniqueInputs: digests.size,
    corpus: corpus.length,
    accepted,
    refused,
    failures,
    slowestMs,
  };
}
