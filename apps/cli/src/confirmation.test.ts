import { expectCode } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { assertCanConfirm } from './confirmation.ts';

describe('a change that needs consent', () => {
  it('is refused where nobody can be asked', async () => {
    const refused = (async () => assertCanConfirm({ yes: false, hasTerminal: false }))();
    await expectCode(refused, 'CONFIRMATION_REQUIRED');
  });

  it('goes on with --yes, or with a terminal to ask on', () => {
    expect(() => assertCanConfirm({ yes: true, hasTerminal: false })).not.toThrow();
    expect(() => assertCanConfirm({ yes: false, hasTerminal: true })).not.toThrow();
  });
});
