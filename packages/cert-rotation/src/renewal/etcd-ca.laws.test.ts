import { stepLaws } from '@kube-rescue/testing';
import { reissueCase } from './reissue-case.fixture.ts';

stepLaws('reissue of CAs with an expired leaf', () => reissueCase(['etcd/ca', 'etcd/server']));
