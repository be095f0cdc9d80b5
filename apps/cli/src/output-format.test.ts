import { describe, expect, it } from 'vitest';
import { documentFormat, refusesColour } from './output-format.ts';

describe('the document that a command line asks for', () => {
  it.each([
    [['triage', '--json'], 'json'],
    [['triage', '--output', 'json'], 'json'],
    [['triage', '--output=yaml'], 'yaml'],
    [['triage', '-o', 'yaml'], 'yaml'],
    [['triage', '-ojson'], 'json'],
    [['triage', '-o', 'table', '-o', 'yaml'], 'yaml'],
    [['triage', '--json', '-o', 'table'], 'json'],
    [['triage', '-o', 'table'], undefined],
    [['triage', '-o'], undefined],
    [['etcd', 'get', '--', '--json'], undefined],
    [['triage'], undefined],
  ])('of %j is %s', (argv, format) => {
    expect(documentFormat(argv)).toBe(format);
  });

  it('has no colour with --no-color', () => {
    expect(refusesColour(['triage', '--no-color'])).toBe(true);
    expect(refusesColour(['triage', '--', '--no-color'])).toBe(false);
  });
});
