import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { CrashReporter } from './test/crash/reporter.ts';
import base from './vitest.config.ts';

/** The step laws alone: every kill and every failing write, on files and objects in memory. */
const files = execFileSync('git', ['grep', '-l', '--untracked', 'stepLaws(', '--', '*.test.ts'], { encoding: 'utf8' });

export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: files.trim().split('\n'),
    // They need no programs but openssl, and the sources alone.
    globalSetup: [],
    // Each is busy from its beginning to its end, and nothing else runs meanwhile.
    maxWorkers: availableParallelism(),
    testNamePattern: 'the step laws hold for',
    reporters: ['dot', new CrashReporter('test-results/crash-files.json')],
  },
});
