import { stepLaws } from '@kube-rescue/testing';
import { createIssueStageStep } from './issue-stage.ts';
import { issueRenewals, rotationCase } from './rotation-case.fixture.ts';
import { createTrustStageStep } from './trust-stage.ts';

stepLaws('trust stage of a CA rotation', () =>
  rotationCase('etcd', 'settled', async (context) => [createTrustStageStep({}, context)]),
);
stepLaws('issue stage of a CA rotation', () =>
  rotationCase('etcd', 'settled', async (context) => [
    createTrustStageStep({}, context),
    createIssueStageStep(context),
    ...(await issueRenewals(context)).slice(0, 1),
  ]),
);
