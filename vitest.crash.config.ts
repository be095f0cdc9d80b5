import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { CrashReporter } from './test/crash/reporter.ts';
import { stepLawTests } from './test/suites.ts';

/** The step laws alone: every kill and every failing write, on files and objects in memory. */
export default defineConfig({
  ssr: { resolve: { conditions: ['kube-rescue-source', 'node', 'import', 'default'] } },
  test: {
    // They need no programs but openssl, and the sources alone.
    include: [...stepLawTests()],
    isolate: false,
    // Each is busy from its beginning to its end, and nothing else runs meanwhile.
    maxWorkers: availableParallelism(),
    testTimeout: 240_000,
    testNamePattern: 'the step laws hold for',
    disableConsoleIntercept: true,
    reporters: ['dot', new CrashReporter('test-results/crash-files.json')],
  },
});
