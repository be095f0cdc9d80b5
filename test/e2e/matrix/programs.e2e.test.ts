import { createLocalHost, systemClock } from '@kube-rescue/host';
import { KUBERNETES_RELEASES, type LabDeps, provideKubernetesBinaries } from '@kube-rescue/lab';
import { expect, it } from 'vitest';
import { KUBERNETES } from '../../../apps/drill/src/scenarios.ts';
import { locateBinaries } from '../../../apps/drill/src/wiring.ts';

it.each(KUBERNETES)(
  'the programs of Kubernetes %s and its etcd are on this machine, and every one runs',
  async (version) => {
    const onProgress = ({ message }: { readonly message: string }): boolean => process.stderr.write(`   ${message}\n`);
    const deps: LabDeps = { host: createLocalHost(), clock: systemClock, onProgress };
    const input = { ...locateBinaries(process.env), release: KUBERNETES_RELEASES[version] };
    const first = await provideKubernetesBinaries(input, deps);
    // Asks every program for its version once more.
    const { directory, source } = await provideKubernetesBinaries(input, deps);
    expect(directory).toBe(first.directory);
    expect(['assets', 'cache']).toContain(source);
  },
);
