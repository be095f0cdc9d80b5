import { defineConfig } from 'vitest/config';

export default defineConfig({
  ssr: { resolve: { conditions: ['kube-rescue-source', 'node', 'import', 'default'] } },
  test: {
    globalSetup: ['test/debian-packages.ts'],
    include: ['test/e2e/**/*.e2e.test.ts'],
    // Real clusters share the machine's cores: one after the other. The first test may have to build Kubernetes.
    fileParallelism: false,
    maxWorkers: 1,
    testTimeout: 45 * 60_000,
    hookTimeout: 45 * 60_000,
    disableConsoleIntercept: true,
    reporters: ['verbose'],
  },
});
