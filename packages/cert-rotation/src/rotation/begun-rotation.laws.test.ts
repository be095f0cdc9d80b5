import { stepLaws } from '@kube-rescue/testing';
import { createIssueStageStep } from './issue-stage.ts';
import { issueRenewals, rotationCase } from './rotation-case.fixture.ts';
import { createTrustStageStep } from './trust-stage.ts';

stepLaws('a CA that is trusted beside a new one', () =>
  rotationCase('etcd', 'settled', async (context) => [createTrustStageStep({}, context)]),
);
stepLaws('a new CA that signs', () =>
  rotationCase('etcd', 'settled', async (context) => [
    createTrustStageStep({}, context),
    createIssueStageStep(context),
    ...(await issueRenewals(context)).slice(0, 1),
  ]),
);
