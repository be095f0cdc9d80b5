import { expectCode } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { assertCanConfirm } from './confirmation.ts';

describe('a change that needs consent', () => {
  it('is refused where nobody can be asked', async () => {
    const refused = (async () => assertCanConfirm({ yes: false, canAsk: false }))();
    await expectCode(refused, 'CONFIRMATION_REQUIRED');
  });

  it('goes on with --yes, or with a terminal to ask on', () => {
    expect(() => assertCanConfirm({ yes: true, canAsk: false })).not.toThrow();
    expect(() => assertCanConfirm({ yes: false, canAsk: true })).not.toThrow();
  });
});
