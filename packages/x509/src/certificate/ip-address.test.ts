import { describe, expect, it } from 'vitest';
import { formatIpAddress, parseIpAddress } from './ip-address.ts';

describe('an IP address', () => {
  it.each([
    ['10.0.0.1', '0a000001', '10.0.0.1'],
    ['::1', '00000000000000000000000000000001', '::1'],
    ['::', '00000000000000000000000000000000', '::'],
    ['2001:db8::a:1', '20010db80000000000000000000a0001', '2001:db8::a:1'],
    ['::ffff:1.2.3.4', '00000000000000000000ffff01020304', '::ffff:102:304'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008', '1:2:3:4:5:6:7:8'],
  ])('%s is encoded as %s and printed as %s', (text, hex, printed) => {
    const bytes = parseIpAddress(text) ?? new Uint8Array();
    expect(Buffer.from(bytes).toString('hex')).toBe(hex);
    expect(formatIpAddress(bytes)).toBe(printed);
  });

  it.each(['localhost', '1.2.3.256', '1.2.3', 'a:b', 'fe80::1%eth0'])('is not %s', (text) => {
    expect(parseIpAddress(text)).toBeUndefined();
  });
});
