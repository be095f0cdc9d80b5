import { describe, expect, it } from 'vitest';
import { assertSameFlags, assertSameInputs } from './resume-origin.ts';

const flags = { days: 30, 'new-keys': false, only: ['a', 'b'], certs: '/set' };

describe('a resumed run', () => {
  it('accepts flags that agree, in any order', () => {
    assertSameFlags('r', { flags }, {});
    assertSameFlags('r', { flags }, { days: 30, only: ['b', 'a', 'a'], certs: '/set', 'new-keys': false });
  });

  it.each([
    [{ days: 31 }, '--days: then 30, now 31'],
    [{ 'new-keys': true }, '--new-keys: then not given, now given'],
    [{ only: ['a'] }, '--only: then a, b, now a'],
    [{ skip: ['c'] }, '--skip: then not given, now c'],
  ])('refuses %j, which it did not begin with', (given, difference) => {
    expect(() => assertSameFlags('r', { flags }, given)).toThrow(
      expect.objectContaining({ code: 'RESUME_CONTRADICTS', subject: 'r' }),
    );
    expect(() => assertSameFlags('r', { flags }, given)).toThrow(difference);
  });

  const inputs = [
    { flag: '--certs', path: '/set', files: { 'ca.crt': '1', 'ca.key': '2' } },
    { flag: '--plan', path: '/plan.json', files: { '.': '3' } },
  ];

  it('accepts the same files', () => {
    assertSameInputs('r', inputs, [{ 'ca.key': '2', 'ca.crt': '1' }, { '.': '3' }]);
  });

  it('refuses files that have changed, are missing or new, by name', () => {
    const present = [{ 'ca.crt': '9', 'other.crt': '4' }, undefined];
    expect(() => assertSameInputs('r', inputs, present)).toThrow(
      expect.objectContaining({ code: 'RESUME_INPUT_CHANGED' }),
    );
    for (const reason of [
      ...['/set/ca.crt (--certs) has changed', '/set/ca.key (--certs) is missing'],
      ...['/set/other.crt (--certs) is new', '/plan.json (--plan) is missing'],
    ]) {
      expect(() => assertSameInputs('r', inputs, present)).toThrow(reason);
    }
    expect(() => assertSameInputs('r', inputs.slice(1), [{ '.': '0' }])).toThrow('/plan.json (--plan) has changed');
  });
});
