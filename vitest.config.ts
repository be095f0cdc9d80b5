import { availableParallelism } from 'node:os';
import { defineConfig, type TestProjectConfiguration } from 'vitest/config';
import { CrashReporter } from './test/crash/reporter.ts';
import { CLUSTER_TESTS, isolatedTests, SLOW_TESTS, UNIT_TESTS } from './test/suites.ts';

const ISOLATED = isolatedTests();
// Tests run on the sources; only the CLI's subprocess tests need the build, which `npm test` makes first.
const SOURCES = ['kube-rescue-source', 'node', 'import', 'default'];
const NEVER = ['**/node_modules/**', ...CLUSTER_TESTS];

const project = (name: string, test: object): TestProjectConfiguration => ({
  ssr: { resolve: { conditions: SOURCES } },
  test: { name, testTimeout: 240_000, hookTimeout: 240_000, ...test },
});

export default defineConfig({
  // Vitest runs the global set-up in this environment.
  environments: { __vitest__: { resolve: { conditions: SOURCES } } },
  test: {
    globalSetup: ['test/debian-packages.ts'],
    projects: [
      // Workers that go from file to file: modules and RSA keys are made once.
      project('shared', { include: UNIT_TESTS, exclude: [...NEVER, ...SLOW_TESTS, ...ISOLATED], isolate: false }),
      project('isolated', { include: ISOLATED, exclude: [...NEVER, ...SLOW_TESTS] }),
      project('slow', { include: SLOW_TESTS, exclude: NEVER, isolate: false }),
    ],
    disableConsoleIntercept: true,
    reporters: ['default', new CrashReporter()],
    // They wait for programs as long as they work, so that no core is left over for Vitest itself; its default leaves one.
    maxWorkers: Math.max(2, availableParallelism()),
  },
});
