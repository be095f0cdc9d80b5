import { describe, expect, it } from 'vitest';
import { containsNetwork, formatFirstHost, formatNetwork, parseNetwork } from './ip-network.ts';

describe('an IP network', () => {
  it.each([
    ['10.2.3.77/24', '10.2.3.0/24', '10.2.3.1'],
    ['10.111.7.9/12', '10.96.0.0/12', '10.96.0.1'],
    ['fd00:0:0::7/64', 'fd00::/64', 'fd00::1'],
    ['10.0.255.255/32', '10.0.255.255/32', '10.1.0.0'],
  ])('of %s is %s, and its first address %s', (cidr, network, first) => {
    const parsed = parseNetwork(cidr);
    expect(parsed && formatNetwork(parsed)).toBe(network);
    expect(parsed && formatFirstHost(parsed)).toBe(first);
  });

  it.each(['', '10.0.0.0', '10.0.0.0/33', 'fd00::/129', 'x/8', '10.0.0.0/x'])('is not %j', (cidr) => {
    expect(parseNetwork(cidr)).toBeUndefined();
  });

  it.each([
    ['10.2.0.0/16', '10.2.3.0/24', true],
    ['10.2.3.0/24', '10.2.0.0/16', false],
    ['10.2.0.0/16', '10.3.0.0/24', false],
    ['10.0.0.0/8', 'fd00::/64', false],
  ])('%s contains %s: %s', (outer, inner, isInside) => {
    const [a, b] = [parseNetwork(outer), parseNetwork(inner)];
    expect(a && b && containsNetwork(a, b)).toBe(isInside);
  });
});
