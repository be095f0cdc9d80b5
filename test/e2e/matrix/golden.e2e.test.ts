import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLocalHost, systemClock } from '@kube-rescue/host';
import { KUBERNETES_RELEASES, provideKubernetesBinaries } from '@kube-rescue/lab';
import { GOLDEN_VERSIONS, goldenUrl, renderGolden } from '@kube-rescue/testing';
import { expect, it } from 'vitest';
import { locateBinaries } from '../../../apps/drill/src/wiring.ts';
import { captureKubeadm } from './kubeadm-node.fixture.ts';

const RELEASES = Object.values(KUBERNETES_RELEASES);

it('every release of the lab has a golden node', () => {
  expect(GOLDEN_VERSIONS).toEqual(RELEASES.map(({ version }) => version));
});

it.each(RELEASES)('the golden node of $version is the one that its kubeadm makes', async (release) => {
  const deps = { host: createLocalHost(), clock: systemClock };
  const { directory } = await provideKubernetesBinaries({ ...locateBinaries(process.env), release }, deps);
  const document = renderGolden(await captureKubeadm(path.join(directory, 'kubeadm')));
  expect(document).not.toMatch(/-----BEGIN|LS0tLS1|[A-Za-z0-9+/]{64}/);
  await expect(document).toMatchFileSnapshot(fileURLToPath(goldenUrl(release.version)));
});
