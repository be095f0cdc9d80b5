import { stepLaws } from '@kube-rescue/testing';
import { putFile } from '../kubeadm-node.fixture.ts';
import { reissueCase } from './reissue-case.fixture.ts';

stepLaws('a lost CA certificate that is issued again', () =>
  reissueCase([], ['front-proxy-client'], (files) =>
    putFile(files, '/etc/kubernetes/pki/front-proxy-ca.crt', '', 0o644),
  ),
);
