import { execFileSync } from 'node:child_process';
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
    testNamePattern: 'the step laws hold for',
    reporters: ['dot', new CrashReporter('test-results/crash-files.json')],
  },
});
