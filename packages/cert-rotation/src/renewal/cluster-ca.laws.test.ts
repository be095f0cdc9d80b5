import { stepLaws } from '@kube-rescue/testing';
import { reissueCase } from './reissue-case.fixture.ts';

stepLaws('the cluster authority and its kubeconfigs', () => reissueCase(['ca', 'scheduler.conf']));
