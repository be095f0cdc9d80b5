import { expect, it } from 'vitest';
import { failedChecks } from './prove-endpoint.ts';

it('an API server that is not ready is quoted by the checks that failed', () => {
  const answer = '[+]ping ok\n[-]etcd-readiness failed: reason withheld\n[+]shutdown ok\nreadyz check failed\n';
  expect(failedChecks(answer)).toBe('etcd-readiness failed: reason withheld');
  expect(failedChecks('ok')).toBe('');
});
