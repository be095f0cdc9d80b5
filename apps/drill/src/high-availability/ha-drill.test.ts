import { wrapError, wrapResult } from 'kube-rescue/command-line';
import { HostError } from '@kube-rescue/host';
import { expect, it } from 'vitest';
import { isWaiting } from './ha-drill.ts';

it('a node is resumed only when it waited for the others', () => {
  expect(isWaiting({ envelope: wrapResult({ outcome: 'done' }, []) })).toBe(false);
  expect(isWaiting({ envelope: undefined })).toBe(false);
  const failed = wrapError(new HostError({ code: 'HOST_LOCKED', message: 'another run is at work' }), []);
  expect(isWaiting({ envelope: failed })).toBe(false);
  if (failed.ok) throw new Error('unreachable');
  const waiting = { ...failed, error: { ...failed.error, code: 'WAITING_FOR_OTHERS' } };
  expect(isWaiting({ envelope: waiting })).toBe(true);
});
