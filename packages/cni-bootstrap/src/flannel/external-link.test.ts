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

describe('the external interface of flannel is', () => {
  it.each([
    ['the named interface', flags(['eth1']), 9001, 'interface eth1, --iface=eth1'],
    ['the interface with the given address', flags(['192.168.7.4']), 9001, 'interface eth1, --iface=192.168.7.4'],
    ['the first existing one of several', flags(['ens5', 'eth1', 'eth0']), 9001, 'interface eth1, --iface=eth1'],
    ['the one whose address matches', flags([], ['^192\\.']), 9001, 'interface eth1, --iface-regex=^192\\.'],
    ['the one whose name matches', flags([], ['^eth1$']), 9001, 'interface eth1, --iface-regex=^eth1$'],
    ['the one that reaches an address', { towards: 'eth1' }, 9001, 'interface eth1, --iface-can-reach'],
    ['the one of the default route', {}, 1500, 'interface eth0, of the default route'],
    [
      'the one with the last address of flannel',
      { ...noRoute, publicIp: '10.0.0.11' },
      1500,
      'interface eth0, has 10.0.0.11, the last address of flannel',
    ],
    [
      'the one with the internal address of the Node',
      noRoute,
      9001,
      'interface eth1, has 192.168.7.4, the internal address of the Node',
    ],
  ])('%s', (_, changes, value, source) => {
    expect(choose(changes)).toEqual({ value, source });
  });

  it.each([
    ['the named one is missing', flags(['ens5'])],
    ['no pattern matches or is valid', flags([], ['^ens', '('])],
    ['the node has neither route nor address', { ...noRoute, internalIps: ['10.9.9.9'] }],
    ['the interfaces are unreadable', { links: undefined }],
  ])('unknown when %s', (_, changes) => {
    expect(() => choose(changes)).toThrow(expect.objectContaining({ code: 'CNI_LINK_UNKNOWN' }));
  });
});
