import { hostPath } from '@kube-rescue/host';
import { KUBERNETES_RELEASES, type KubernetesBinaries, type KubernetesRelease, LabError } from '@kube-rescue/lab';
import { expectCode } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { provideFirst } from './provide-kubernetes.ts';
import { DEFAULT_KUBERNETES, type Versions } from './scenarios.ts';

const missing = new LabError({
  code: 'LAB_KUBERNETES_MISSING',
  message: 'Kubernetes cannot be obtained: no Go 1.26',
  subject: 'v1.37.2',
  hint: 'install Go 1.26',
});
const busy = new LabError({ code: 'LAB_BUSY', message: 'another process builds', subject: '/root', hint: 'wait' });

/** Provides binaries on a machine that can only obtain `available`. */
async function provideOn(available: readonly string[], versions: Versions, failure = missing) {
  const reports: string[] = [];
  const provide = async ({ version }: KubernetesRelease): Promise<KubernetesBinaries> => {
    if (!available.includes(version)) throw failure;
    return { directory: hostPath(`/cache/${version}`), source: 'cache' };
  };
  const report = (message: string): void => void reports.push(message);
  const found = await provideFirst(versions, (version) => KUBERNETES_RELEASES[version], provide, report);
  return { directory: found.directory, version: found.release.version, reports };
}

describe('the Kubernetes of a drill', () => {
  it('is the newest where it can be obtained', async () => {
    const found = await provideOn(['v1.37.2', 'v1.20.2'], DEFAULT_KUBERNETES);
    expect(found).toEqual({ directory: '/cache/v1.37.2', version: 'v1.37.2', reports: [] });
  });

  it('is 1.20 where the newest cannot be obtained, with a warning that says what to install', async () => {
    const { version, reports } = await provideOn(['v1.20.2'], DEFAULT_KUBERNETES);
    expect(version).toBe('v1.20.2');
    expect(reports.join('\n')).toMatch(/no Go 1\.26\n.*on Kubernetes 1\.20 instead; for 1\.37: install Go 1\.26/);
  });

  it('is no other than the one that the operator named', async () => {
    await expectCode(provideOn(['v1.20.2'], ['1.37']), 'LAB_KUBERNETES_MISSING');
  });

  it('is not replaced because of another failure', async () => {
    await expectCode(provideOn(['v1.20.2'], DEFAULT_KUBERNETES, busy), 'LAB_BUSY');
  });
});
