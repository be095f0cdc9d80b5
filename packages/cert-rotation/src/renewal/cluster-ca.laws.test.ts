import { stepLaws } from '@kube-rescue/testing';
import { reissueCase } from './reissue-case.fixture.ts';

stepLaws('reissue of the cluster CA and its kubeconfigs', () => reissueCase(['ca', 'scheduler.conf']));
