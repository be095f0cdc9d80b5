import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.join(import.meta.dirname, '..');

/** Every test that runs without a cluster. */
export const UNIT_TESTS = ['packages/*/src/**/*.test.ts', 'apps/*/src/**/*.test.ts', 'test/**/*.test.ts'];
export const CLUSTER_TESTS = ['test/e2e/**'];

/**
 * Slow tests of failures that a small change seldom causes, for `npm run test:slow`: every crash point of the step laws, real
 * kills and power failures, planted secrets, broken and hostile input, fuzzing, the programs that run in a lab's pods, the
 * archives of the one file, and imports of every published package.
 */
export const SLOW_TESTS = [
  'packages/*/src/**/*.laws.test.ts',
  'packages/lab/src/programs/*/main.test.ts',
  'packages/lab/src/programs/pod-checkpointer/checkpointer.test.ts',
  'test/bad-input.test.ts',
  'test/checkpointer-freeze.test.ts',
  'test/copy-root.test.ts',
  'test/fuzz.test.ts',
  'test/hostile-names.test.ts',
  'test/importers/every-package.test.ts',
  'test/judge/*.test.ts',
  'test/kill.test.ts',
  'test/no-leak.test.ts',
  'test/no-leak-cluster.test.ts',
  'test/other-writers.test.ts',
  'test/power-loss.test.ts',
  'test/shrinkwrap.test.ts',
  'test/single-file/archives.test.ts',
  'test/transcripts/transcripts.test.ts',
];

/** Process state that a test changes or measures; the next file in the same worker would inherit it. */
const PROCESS_STATE =
  /process\.(?:env(?:\[[^\]]+\]|\.\w+) =|umask\(|chdir\(|on\(|memoryUsage|resourceUsage)|\bvi\.(?:stub|useFake|spyOn|mock)|takeCoverage|dns-world\.fixture/;

/** Test files that need a separate worker. */
export function isolatedTests(): readonly string[] {
  return filesWith(PROCESS_STATE);
}

/** Test files that run the step laws. */
export function stepLawTests(): readonly string[] {
  return filesWith(/stepLaws\(/);
}

function filesWith(pattern: RegExp): readonly string[] {
  const files = globSync(UNIT_TESTS, { cwd: ROOT, exclude: CLUSTER_TESTS });
  return files.filter((file) => pattern.test(readFileSync(path.join(ROOT, file), 'utf8'))).toSorted();
}
