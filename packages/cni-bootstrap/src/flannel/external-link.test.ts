import { describe, expect, it } from 'vitest';
import type { NodeLinks } from '../network/node-links.ts';
import { chooseExternalLink, type ExternalLinkInput } from './external-link.ts';

const LINKS: NodeLinks = {
  links: [
    { name: 'lo', mtu: 65536, addresses: ['127.0.0.1'], networks: [] },
    { name: 'eth0', mtu: 1500, addresses: ['10.0.0.11'], networks: [] },
    { name: 'eth1', mtu: 9001, addresses: ['192.168.7.4'], networks: [] },
  ],
  defaultLink: 'eth0',
};
const INPUT: ExternalLinkInput = {
  flags: { interfaces: [], interfacePatterns: [] },
  towards: undefined,
  links: LINKS,
  publicIp: undefined,
  internalIps: ['192.168.7.4'],
};
const choose = (changes: Partial<ExternalLinkInput> = {}) => chooseExternalLink({ ...INPUT, ...changes });
const flags = (interfaces: readonly string[], interfacePatterns: readonly string[] = []) => ({
  flags: { interfaces, interfacePatterns },
});
const noRoute = { links: { ...LINKS, defaultLink: undefined } };

describe('flannel sends through', () => {
  it.each([
    ['the interface that it is told', flags(['eth1']), 9001, 'interface eth1, --iface=eth1'],
    ['the one with the address that it is told', flags(['192.168.7.4']), 9001, 'interface eth1, --iface=192.168.7.4'],
    ['the first of several that is there', flags(['ens5', 'eth1', 'eth0']), 9001, 'interface eth1, --iface=eth1'],
    ['the one whose address fits', flags([], ['^192\\.']), 9001, 'interface eth1, --iface-regex=^192\\.'],
    ['the one whose name fits', flags([], ['^eth1$']), 9001, 'interface eth1, --iface-regex=^eth1$'],
    ['the way to an address', { towards: 'eth1' }, 9001, 'interface eth1, --iface-can-reach'],
    ['the default route', {}, 1500, 'interface eth0, of the default route'],
    [
      'what it used last',
      { ...noRoute, publicIp: '10.0.0.11' },
      1500,
      'interface eth0, has 10.0.0.11, which flannel used last',
    ],
    ["what has the Node's address", noRoute, 9001, "interface eth1, has 192.168.7.4, the Node's internal address"],
  ])('%s', (_, changes, value, source) => {
    expect(choose(changes)).toEqual({ value, source });
  });

  it.each([
    ['the one that it is told is not there', flags(['ens5'])],
    ['no pattern fits, or is one', flags([], ['^ens', '('])],
    ['there is no route and no address', { ...noRoute, internalIps: ['10.9.9.9'] }],
    ['the interfaces cannot be read', { links: undefined }],
  ])('nobody knows what when %s', (_, changes) => {
    expect(() => choose(changes)).toThrow(expect.objectContaining({ code: 'CNI_LINK_UNKNOWN' }));
  });
});
