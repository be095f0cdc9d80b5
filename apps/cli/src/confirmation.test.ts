import { expectCode } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { assertCanConfirm } from './confirmation.ts';

describe('a change that needs confirmation', () => {
  it('is refused without a terminal', async () => {
    const refused = (async () => assertCanConfirm({ yes: false, hasTerminal: false }))();
    await expectCode(refused, 'CONFIRMATION_REQUIRED');
  });

  it('is refused with the command lines that show it and make it', async () => {
    const refused = (async () => assertCanConfirm({ yes: false, hasTerminal: false, command: 'recover --days 90' }))();
    const { hint } = await expectCode(refused, 'CONFIRMATION_REQUIRED');
    expect(hint).toContain('`kube-rescue recover --days 90 --dry-run`');
    expect(hint).toContain('`kube-rescue recover --days 90 --yes`');
  });

  it('needs --yes or a terminal', () => {
    expect(() => assertCanConfirm({ yes: true, hasTerminal: false })).not.toThrow();
    expect(() => assertCanConfirm({ yes: false, hasTerminal: true })).not.toThrow();
  });
});
