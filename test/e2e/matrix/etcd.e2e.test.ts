import path from 'node:path';
import { createLocalHost, systemClock } from '@kube-rescue/host';
import { KUBERNETES_RELEASES, provideKubernetesBinaries } from '@kube-rescue/lab';
import { expect, it } from 'vitest';
import { runProgram } from '../../../apps/cli/src/cli-process.fixture.ts';
import { locateBinaries } from '../../../apps/drill/src/wiring.ts';

const ROOT = path.join(import.meta.dirname, '../../..');
const VITEST = path.join(ROOT, 'node_modules/vitest/vitest.mjs');
/** Whatever talks to a real etcd without a cluster; `npm test` runs it with that of Debian. */
const SUITES = [
  'packages/etcd-access/',
  'packages/cluster-objects/',
  'packages/recovery/src/kubeadm/single-member.test.ts',
  'test/contract/object-store.contract.test.ts',
  'apps/cli/src/etcd/',
];
const TIMEOUT_MS = 90 * 60_000;

const ETCDS = Object.values(KUBERNETES_RELEASES).flatMap((release) =>
  release.etcdVersion === undefined ? [] : [{ etcd: release.etcdVersion, release }],
);

it.each(ETCDS)(
  'whatever talks to etcd does so with etcd $etcd',
  async ({ etcd, release }) => {
    const deps = { host: createLocalHost(), clock: systemClock };
    const { directory } = await provideKubernetesBinaries({ ...locateBinaries(process.env), release }, deps);
    const env = { ...process.env, PATH: `${directory}:${process.env['PATH'] ?? ''}` };
    const version = await runProgram('etcd', ['--version'], { env });
    expect(version.stdout).toContain(`etcd Version: ${etcd.slice(1)}`);
    const words = ['run', '--project=shared', '--project=isolated', '--reporter=json', ...SUITES];
    const { stdout, stderr } = await runProgram(process.execPath, [VITEST, ...words], { env, cwd: ROOT });
    const { numFailedTests, numPassedTests, testResults } = JSON.parse(stdout) as {
      readonly numFailedTests: number;
      readonly numPassedTests: number;
      readonly testResults: readonly { readonly name: string; readonly status: string; readonly message: string }[];
    };
    const failed = testResults
      .filter(({ status }) => status !== 'passed')
      .map(({ name, message }) => `${name}: ${message}`);
    expect({ numFailedTests, failed }, stderr.slice(-2000)).toEqual({ numFailedTests: 0, failed: [] });
    expect(numPassedTests).toBeGreaterThan(500);
  },
  TIMEOUT_MS,
);
