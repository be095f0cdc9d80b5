import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const ROOT = path.join(import.meta.dirname, '..');
const [, , ...rows] = readFileSync(path.join(import.meta.dirname, 'crash/track-record.md'), 'utf8')
  .trim()
  .split('\n');

function isComplete(row: string): boolean {
  const [defect, finder, command = '', held = '', ...more] = row.slice('| '.length, -' |'.length).split(' | ');
  const files = held.replaceAll('`', '').split(/, | and /);
  const exist = files.every((file) => file !== '' && existsSync(path.join(ROOT, file)));
  return defect !== '' && finder !== '' && /^`.+`$/.test(command) && exist && more.length === 0;
}

it('each defect of the track record has a finder, a command, and test files that exist', () => {
  expect(rows.length).toBeGreaterThan(5);
  expect(rows.filter((row) => !isComplete(row))).toEqual([]);
});
