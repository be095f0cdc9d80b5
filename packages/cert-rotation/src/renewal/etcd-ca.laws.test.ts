import { stepLaws } from '@kube-rescue/testing';
import { reissueCase } from './reissue-case.fixture.ts';

stepLaws('authorities that are issued anew with an expired leaf', () => reissueCase(['etcd/ca', 'etcd/server']));
