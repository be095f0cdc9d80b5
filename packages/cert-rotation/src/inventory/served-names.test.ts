import { describe, expect, it } from 'vitest';
import { kubeadmComponents } from '../kubeadm-node.fixture.ts';
import { readServedNames } from './served-names.ts';
import { firstServiceAddress } from './served-names.ts';

describe('the names that a serving certificate must have', () => {
  it("are the API server's service, its address and what this node's kubeconfigs dial", () => {
    const servers = ['10.9.0.11', 'api.example', 'fd00::1', ''];
    expect(readServedNames('apiserver', kubeadmComponents(), servers)).toEqual([
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      '10.96.0.1',
      '10.9.0.11',
      'api.example',
      'fd00::1',
    ]);
  });

  it('are the hosts of the URLs of etcd, without wildcard addresses', () => {
    const etcd = {
      'listen-client-urls': 'https://0.0.0.0:2379,https://[::]:2379,unix://sock',
      'advertise-client-urls': 'https://etcd-0.example:2379',
      'initial-advertise-peer-urls': 'https://[fd00:0::2]:2380',
    };
    const components = kubeadmComponents({ etcd });
    expect(readServedNames('etcd-clients', components, [])).toEqual(['etcd-0.example']);
    expect(readServedNames('etcd-peers', components, [])).toEqual(['fd00::2']);
    expect(readServedNames(undefined, components, ['https://x'])).toEqual([]);
  });
});

describe('addresses', () => {
  it.each([
    ['10.96.0.0/12', '10.96.0.1'],
    ['10.111.7.9/12,fd00::/108', '10.96.0.1'],
    ['fd00:10:96::/112', 'fd00:10:96::1'],
    ['192.168.1.128/25', '192.168.1.129'],
  ])('the first service address of %s is %s', (ranges, address) => expect(firstServiceAddress(ranges)).toBe(address));

  it.each(['', 'nonsense', '10.96.0.0', '10.96.0.0/x'])('%j is no range', (ranges) => {
    expect(firstServiceAddress(ranges)).toBeUndefined();
  });
});
