import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { GO_RULES, type GoRuleName } from './rules.ts';

const DOC = readFileSync(new URL('../../../../docs/reference/go-judge.md', import.meta.url), 'utf8');

/** One row of the table in docs/reference/go-judge.md. */
function rowOf(rule: GoRuleName): string {
  const { says, source, ...rest } = GO_RULES[rule];
  return `| \`${rule}\` | ${says} | ${'since' in rest ? rest.since : ''} | ${source} |`;
}

describe('the rules of Go', () => {
  it('are in docs/reference/go-judge.md, each with its source', () => {
    const rows = DOC.split('\n').filter((line) => line.startsWith('| `'));
    expect(rows).toEqual(Object.keys(GO_RULES).map((rule) => rowOf(rule as GoRuleName)));
  });
});
