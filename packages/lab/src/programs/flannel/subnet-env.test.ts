import { describe, expect, it } from 'vitest';
import { contains, parseSubnetEnv, renderSubnetEnv } from './subnet-env.ts';

const ENV = { network: '10.2.0.0/16', subnet: '10.2.3.0/24', mtu: 1450, ipMasq: true };

describe('subnet.env', () => {
  it('contains the network, the first address of the subnet, the MTU and whether flannel masquerades, in this order', () => {
    expect(renderSubnetEnv(ENV)).toBe(
      'FLANNEL_NETWORK=10.2.0.0/16\nFLANNEL_SUBNET=10.2.3.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n',
    );
  });

  it('is read back unchanged', () => {
    expect(parseSubnetEnv(renderSubnetEnv(ENV), '/x')).toEqual(ENV);
    const other = { network: '0.0.0.0/0', subnet: '255.255.255.254/31', mtu: 0, ipMasq: false };
    expect(parseSubnetEnv(renderSubnetEnv(other), '/x')).toEqual(other);
  });

  it('is rejected with the names of all missing lines', () => {
    expect(() => parseSubnetEnv('FLANNEL_NETWORK=10.2.0.0/16\nFLANNEL_MTU=1450\n', '/run/flannel/subnet.env')).toThrow(
      '/run/flannel/subnet.env is missing FLANNEL_SUBNET, FLANNEL_IPMASQ',
    );
  });

  it.each(['10.2.0.0', '10.2.0.256/24', '10.2.0.0/33', 'x', '10.2.0.0/'])(
    'is rejected with the network %j',
    (network) => {
      expect(() => parseSubnetEnv(renderSubnetEnv(ENV).replace('10.2.0.0/16', network), '/x')).toThrow(
        'invalid CIDR address',
      );
    },
  );

  it('is rejected with an invalid MTU', () => {
    expect(() => parseSubnetEnv(renderSubnetEnv(ENV).replace('1450', '-1'), '/x')).toThrow(
      'parsing "-1": invalid syntax',
    );
  });
});

describe('a network', () => {
  it.each([
    ['10.2.0.0/16', '10.2.255.0/24', true],
    ['10.2.0.0/16', '10.2.0.0/16', true],
    ['10.2.0.0/16', '10.3.0.0/24', false],
    ['10.2.0.0/16', '10.0.0.0/8', false],
    ['0.0.0.0/0', '192.168.1.0/24', true],
  ])('%s contains %s: %s', (outer, inner, expected) => {
    expect(contains(outer, inner)).toBe(expected);
  });
});
