import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { CrashReporter } from './test/crash/reporter.ts';

export default defineConfig({
  // Tests run on the sources; only the CLI's subprocess tests need the build, which `npm test` makes first.
  ssr: { resolve: { conditions: ['kube-rescue-source', 'node', 'import', 'default'] } },
  test: {
    globalSetup: ['test/debian-packages.ts'],
    include: ['packages/*/src/**/*.test.ts', 'apps/*/src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['test/e2e/**', '**/node_modules/**'],
    disableConsoleIntercept: true,
    reporters: ['default', new CrashReporter()],
    // They wait for programs as long as they work, so that no core is left over for Vitest itself; its default leaves one.
    maxWorkers: Math.max(2, availableParallelism()),
    testTimeout: 120_000,
  },
});
