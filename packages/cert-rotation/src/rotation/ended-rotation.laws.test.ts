import { stepLaws } from '@kube-rescue/testing';
import { createDropStageStep, createTidyStep } from './drop-stage.ts';
import { rotationCase } from './rotation-case.fixture.ts';
import { stageStepIds } from './stage-options.ts';

stepLaws('a former etcd CA that is dropped', () =>
  rotationCase('etcd', 'issue', async (context) => [createDropStageStep({ requires: [] }, context)]),
);
stepLaws('a former cluster CA that is dropped, and the file that was signed with apart', () =>
  rotationCase('cluster', 'issue', async (context) => [
    createDropStageStep({ requires: [] }, context),
    createTidyStep({ requires: [stageStepIds('cluster').drop] }, context),
  ]),
);
