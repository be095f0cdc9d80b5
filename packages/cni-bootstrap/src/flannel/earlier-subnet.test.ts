import { hostPath } from '@kube-rescue/host';
import { createFakeHost, treeOf } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import type { NodeLinks } from '../network/node-links.ts';
import { findEarlierSubnet } from './earlier-subnet.ts';

const FILE = hostPath('/run/flannel/subnet.env');
const bridge = (...networks: readonly string[]): NodeLinks => ({
  links: [{ name: 'cni0', mtu: 1450, addresses: [], networks }],
  defaultLink: undefined,
});
const find = (text: string | undefined, links?: NodeLinks) =>
  findEarlierSubnet(FILE, links, createFakeHost({ tree: treeOf(text === undefined ? {} : { [FILE]: text }) }));

describe('the earlier subnet of a node', () => {
  it('comes from subnet.env before the bridge', async () => {
    const found = await find('FLANNEL_SUBNET=10.2.3.1/24\n', bridge('10.2.9.1/24'));
    expect(found).toEqual({ value: '10.2.3.0/24', source: FILE });
  });

  it('comes from the pod bridge when the file is missing or incomplete', async () => {
    for (const text of [undefined, '', 'FLANNEL_SUBNET=10.2']) {
      const found = await find(text, bridge('fe80::1/64', '10.2.9.1/24'));
      expect(found).toEqual({ value: '10.2.9.0/24', source: 'bridge cni0' });
    }
  });

  it('is unknown without file and bridge', async () => {
    expect(await find(undefined)).toBeUndefined();
    expect(await find(undefined, bridge())).toBeUndefined();
  });
});
