import { hostPath } from '@kube-rescue/host';
import { createFakeHost, createFixedClock, stepLaws } from '@kube-rescue/testing';
import { inspectCertificates } from '../inventory/inventory.ts';
import { type Node, NOW } from '../kubeadm-node.fixture.ts';
import { reissueCase } from './reissue-case.fixture.ts';
import { exportReissuedCas } from './reissued-ca-export.ts';
import { readReissuedCas, type ReissuedCas } from './reissued-cas.ts';

async function reissue(node: Node): Promise<ReissuedCas> {
  const files = createFakeHost();
  const directory = hostPath('/cas');
  const inventory = await inspectCertificates(node.input, { host: node.host });
  await exportReissuedCas({ inventory, directory }, { files, host: node.host, clock: createFixedClock(NOW) });
  return (await readReissuedCas(directory, files)).cas;
}

stepLaws('installation of a cluster CA that was reissued elsewhere', () =>
  reissueCase(['ca', 'scheduler.conf'], ['scheduler.conf'], undefined, reissue),
);
