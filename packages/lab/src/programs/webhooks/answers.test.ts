import { expect, it } from 'vitest';
import { answerReview, auditedNames, GUEST } from './answers.ts';

it('the authorizer allows the guest, and has no opinion of others', () => {
  const review = { kind: 'SubjectAccessReview', spec: { user: GUEST } };
  expect(answerReview(review)).toEqual({ ...review, status: { allowed: true } });
  expect(answerReview({ spec: { user: 'other' } })).toMatchObject({ status: { allowed: false } });
  expect(answerReview({})).toMatchObject({ status: { allowed: false } });
});

it('the audit backend keeps the names of objects', () => {
  expect(auditedNames({ items: [{ objectRef: { name: 'a' } }, { objectRef: {} }, {}] })).toEqual(['a']);
  expect(auditedNames({})).toEqual([]);
});
