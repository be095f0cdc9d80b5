import { describe, expect, it } from 'vitest';
import { type LabRecord, parseLabRecord } from './lab-register.ts';

const RECORD: LabRecord = { id: '0a1b2c', owner: { pid: 7, startTicks: 9 }, nodes: ['cp1'], kept: false };

describe('the record of a lab', () => {
  it('is read as it was written', () => {
    expect(parseLabRecord(JSON.stringify(RECORD))).toEqual(RECORD);
  });

  it.each([
    ['half a file', JSON.stringify(RECORD).slice(0, 20)],
    ['an id that climbs out of the folder', JSON.stringify({ ...RECORD, id: '../etc' })],
    ['an owner without a start time', JSON.stringify({ ...RECORD, owner: { pid: 7 } })],
    ['no object', 'null'],
  ])('counts for nothing when it is %s', (_, text) => {
    expect(parseLabRecord(text)).toBeUndefined();
  });
});
