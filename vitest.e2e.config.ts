import { defineConfig, type TestProjectConfiguration } from 'vitest/config';
import { LongestFirst } from './test/e2e/longest-first.ts';

/**
 * Before the others: it provides the binaries, which one process at a time does, and says what a lab changes on the machine itself,
 * which it can only while there is no other.
 */
const ALONE = ['test/e2e/lab.e2e.test.ts'];
/** Variants of scenarios, for `npm run test:e2e:long`. */
const LONG = ['test/e2e/long/*.e2e.test.ts'];
/** Further scenarios of three control planes, for `npm run test:e2e:ha`. */
const HA = ['test/e2e/ha/*.e2e.test.ts'];
/** Every version of Kubernetes, for `npm run test:e2e:matrix`. */
const MATRIX = ['test/e2e/matrix/*.e2e.test.ts'];
/** Clusters wait more than they work, so that two cores carry two of them at a time. */
const CLUSTERS_AT_A_TIME = 2;

const project = (name: string, groupOrder: number, test: object): TestProjectConfiguration => ({
  ssr: { resolve: { conditions: ['kube-rescue-source', 'node', 'import', 'default'] } },
  test: {
    name,
    // From 1: a group 0 of one worker is run last.
    sequence: { groupOrder },
    // The first test may have to build Kubernetes.
    testTimeout: 45 * 60_000,
    hookTimeout: 45 * 60_000,
    ...test,
  },
});

export default defineConfig({
  test: {
    globalSetup: ['test/debian-packages.ts', 'test/e2e/lab-traces-check.ts', 'test/e2e/carried-file.ts'],
    projects: [
      project('alone', 1, { include: ALONE, maxWorkers: 1 }),
      project('clusters', 2, {
        include: ['test/e2e/**/*.e2e.test.ts'],
        exclude: [...ALONE, ...LONG, ...MATRIX, ...HA],
        maxWorkers: CLUSTERS_AT_A_TIME,
      }),
      project('matrix', 4, { include: MATRIX, maxWorkers: 1 }),
      project('ha', 5, { include: HA, maxWorkers: 1 }),
      project('long', 3, { include: LONG, maxWorkers: CLUSTERS_AT_A_TIME }),
    ],
    sequence: { sequencer: LongestFirst },
    disableConsoleIntercept: true,
    reporters: ['verbose'],
  },
});
