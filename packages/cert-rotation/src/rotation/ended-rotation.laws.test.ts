import { stepLaws } from '@kube-rescue/testing';
import { createDropStageStep, createTidyStep } from './drop-stage.ts';
import { rotationCase } from './rotation-case.fixture.ts';
import { stageStepIds } from './stage-options.ts';

stepLaws('drop stage of the etcd CA', () =>
  rotationCase('etcd', 'issue', async (context) => [createDropStageStep({ requires: [] }, context)]),
);
stepLaws('drop stage of the cluster CA, with the signing file', () =>
  rotationCase('cluster', 'issue', async (context) => [
    createDropStageStep({ requires: [] }, context),
    createTidyStep({ requires: [stageStepIds('cluster').drop] }, context),
  ]),
);
