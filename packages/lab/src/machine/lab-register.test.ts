import { describe, expect, it } from 'vitest';
import { type LabRecord, parseLabRecord } from './lab-register.ts';

const RECORD: LabRecord = { id: '0a1b2c', owner: { pid: 7, startTicks: 9 }, nodes: ['cp1'], kept: false };

describe('the record of a lab', () => {
  it('is read back unchanged', () => {
    expect(parseLabRecord(JSON.stringify(RECORD))).toEqual(RECORD);
  });

  it.each([
    ['truncated', JSON.stringify(RECORD).slice(0, 20)],
    ['a record whose id leaves the directory', JSON.stringify({ ...RECORD, id: '../etc' })],
    ['a record whose owner has no start time', JSON.stringify({ ...RECORD, owner: { pid: 7 } })],
    ['not an object', 'null'],
  ])('is ignored when it is %s', (_, text) => {
    expect(parseLabRecord(text)).toBeUndefined();
  });
});
