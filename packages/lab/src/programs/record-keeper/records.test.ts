import { describe, expect, it } from 'vitest';
import { chooseZone, findOutdated } from './records.ts';

describe('the record keeper', () => {
  it('chooses the public zone with the longest name', () => {
    const zones = [
      { Id: '1', Name: 'test.', CallerReference: '' },
      { Id: '2', Name: 'example.test.', CallerReference: '' },
      { Id: '3', Name: 'shop.example.test.', CallerReference: '', Config: { PrivateZone: true } },
    ];
    expect(chooseZone(zones, 'shop.example.test')?.Id).toBe('2');
    expect(chooseZone(zones, 'shopexample.org')).toBeUndefined();
  });

  it('writes a record that is missing or has another address, and no other', () => {
    const record = {
      Name: 'shop.example.test.',
      Type: 'A' as const,
      TTL: 60,
      ResourceRecords: [{ Value: '10.0.0.1' }],
    };
    expect(findOutdated([record], 'shop.example.test', '10.0.0.1')).toBeUndefined();
    expect(findOutdated([record], 'shop.example.test', '10.0.0.2')?.ResourceRecords).toEqual([{ Value: '10.0.0.2' }]);
    expect(findOutdated([], 'shop.example.test', '10.0.0.1')).toEqual(record);
  });
});
