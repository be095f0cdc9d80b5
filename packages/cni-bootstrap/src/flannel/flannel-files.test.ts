import { hostPath } from '@kube-rescue/host';
import { expectCode } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { CNI_CONF, CONFIGURATION_FILE, NET_CONF, SUBNET_ENV, SUBNET_FILE } from '../network/cluster.fixture.ts';
import { deriveFlannelFiles, type FlannelInput } from './flannel-files.ts';

const from = <T>(value: T) => ({ value, source: 'the test' });
const INPUT: FlannelInput = {
  nodeName: 'cp1',
  podCidrs: from(['10.2.3.0/24']),
  netConf: from(NET_CONF),
  cniConf: from(CNI_CONF),
  ipMasq: from(true),
  linkMtu: from(1500),
  subnetFile: from(hostPath(SUBNET_FILE)),
  configurationFile: from(hostPath(CONFIGURATION_FILE)),
};
const subnetEnv = (changes: Partial<FlannelInput> = {}): string =>
  deriveFlannelFiles({ ...INPUT, ...changes }).files[0].text;
const netConf = (fields: object) => ({ netConf: from(JSON.stringify(fields)) });
const backend = (fields: object) => netConf({ Network: '10.2.0.0/16', Backend: fields });

describe('the subnet file equals the one of flannel', () => {
  it('with the keys in the order of flannel, and the first address of the node', () => {
    expect(subnetEnv()).toBe(SUBNET_ENV);
  });

  it.each([
    ['vxlan', {}, 1450],
    ['vxlan', { MTU: 1400 }, 1350],
    ['vxlan', { MTU: 0 }, 1450],
    ['host-gw', {}, 1500],
    ['host-gw', { MTU: 1400 }, 1500],
    ['udp', {}, 1472],
    ['wireguard', {}, 1420],
    ['wireguard', { MTU: 1400, Mode: 'auto' }, 1320],
    ['ipsec', { PSK: 'x' }, 1423],
    ['ipsec', { UDPEncap: true }, 1415],
    ['ipip', {}, 1480],
    ['alloc', {}, 1500],
    ['extension', {}, 1500],
    ['aws-vpc', {}, 1500],
    ['gce', {}, 1500],
  ])('with the MTU of backend %s %o', (Type, options, mtu) => {
    expect(subnetEnv(backend({ Type, ...options }))).toContain(`\nFLANNEL_MTU=${mtu}\n`);
  });

  it('with the MTU of a link with jumbo frames', () => {
    expect(subnetEnv({ linkMtu: from(9001) })).toContain('FLANNEL_MTU=8951');
  });

  it('with backend udp by default, and field names in any case', () => {
    expect(subnetEnv(netConf({ network: '10.2.0.0/16' }))).toContain('FLANNEL_MTU=1472');
  });

  it('without masquerading when flannel does not masquerade', () => {
    expect(subnetEnv({ ipMasq: from(false) })).toContain('FLANNEL_IPMASQ=false');
  });

  it('with both families, IPv4 first, whatever the order of the pod CIDRs', () => {
    const dual = netConf({
      Network: '10.2.0.0/16',
      IPv6Network: 'fd00:10:2::/48',
      EnableIPv6: true,
      Backend: { Type: 'vxlan' },
    });
    expect(subnetEnv({ ...dual, podCidrs: from(['fd00:10:2:3::/64', '10.2.3.0/24']) })).toBe(
      'FLANNEL_NETWORK=10.2.0.0/16\nFLANNEL_SUBNET=10.2.3.1/24\nFLANNEL_IPV6_NETWORK=fd00:10:2::/48\nFLANNEL_IPV6_SUBNET=fd00:10:2:3::1/64\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n',
    );
  });

  it('with IPv6 alone', () => {
    const single = netConf({
      EnableIPv4: false,
      EnableIPv6: true,
      IPv6Network: 'fd00::/48',
      Backend: { Type: 'host-gw' },
    });
    expect(subnetEnv({ ...single, podCidrs: from(['fd00:0:0:3::/64']) })).toBe(
      'FLANNEL_IPV6_NETWORK=fd00::/48\nFLANNEL_IPV6_SUBNET=fd00:0:0:3::1/64\nFLANNEL_MTU=1500\nFLANNEL_IPMASQ=true\n',
    );
  });

  it('and reports an unused family', () => {
    const { evidence } = deriveFlannelFiles({ ...INPUT, podCidrs: from(['10.2.3.0/24', 'fd00::/64']) });
    expect(evidence).toContain('fd00::/64 is not used: net-conf.json does not enable IPv6');
  });

  it.each([
    ['10.2.0.0/30', '10.2.0.1/30'],
    ['10.2.255.0/24', '10.2.255.1/24'],
    ['10.2.3.77/24', '10.2.3.1/24'],
    ['10.2.0.0/16', '10.2.0.1/16'],
  ])('with %s as %s', (cidr, subnet) => {
    expect(subnetEnv({ podCidrs: from([cidr]) })).toContain(`FLANNEL_SUBNET=${subnet}\n`);
  });
});

describe('the configuration is copied byte for byte', () => {
  it('as flannel does', () => {
    const odd = `  ${CNI_CONF}\n\n`;
    expect(deriveFlannelFiles({ ...INPUT, cniConf: from(odd) }).files[1]).toEqual({
      purpose: 'configuration',
      path: CONFIGURATION_FILE,
      text: odd,
    });
  });
});

describe('no file is derived when flannel would reject', () => {
  const derive = async (input: FlannelInput) => deriveFlannelFiles(input);
  const refusals: readonly (readonly [string, Partial<FlannelInput>, string])[] = [
    ['a node without pod CIDR', { podCidrs: from([]) }, 'CNI_POD_CIDR_MISSING'],
    ['only one of IPv6, and IPv4 is on', { podCidrs: from(['fd00::/64']) }, 'CNI_POD_CIDR_MISSING'],
    ['a pod CIDR outside the network', { podCidrs: from(['10.244.1.0/24']) }, 'CNI_POD_CIDR_OUTSIDE'],
    ['a pod CIDR that is larger than the network', { podCidrs: from(['10.0.0.0/8']) }, 'CNI_POD_CIDR_OUTSIDE'],
    ['a pod CIDR of one address', { podCidrs: from(['10.2.3.4/32']) }, 'CNI_POD_CIDR_TOO_SMALL'],
    ['a pod CIDR of two addresses', { podCidrs: from(['10.2.3.4/31']) }, 'CNI_POD_CIDR_TOO_SMALL'],
    ['an invalid pod CIDR', { podCidrs: from(['10.2.3.0']) }, 'CNI_POD_CIDR_INVALID'],
    ['a too long prefix', { podCidrs: from(['10.2.3.0/33']) }, 'CNI_POD_CIDR_INVALID'],
    ['two of the same family', { podCidrs: from(['10.2.3.0/24', '10.2.4.0/24']) }, 'CNI_POD_CIDR_INVALID'],
    ['a net-conf.json that is not JSON', { netConf: from('Network: 10.2.0.0/16') }, 'CNI_NET_CONF_INVALID'],
    ['a net-conf.json that is a list', { netConf: from('[]') }, 'CNI_NET_CONF_INVALID'],
    ['a net-conf.json without a network', netConf({ Backend: { Type: 'vxlan' } }), 'CNI_NET_CONF_INVALID'],
    ['an invalid network', netConf({ Network: '10.2.0.0' }), 'CNI_NET_CONF_INVALID'],
    ['a network of the other family', netConf({ Network: 'fd00::/48' }), 'CNI_NET_CONF_INVALID'],
    ['enabled IPv6 without its network', netConf({ Network: '10.2.0.0/16', EnableIPv6: true }), 'CNI_NET_CONF_INVALID'],
    ['two disabled families', netConf({ EnableIPv4: false }), 'CNI_NET_CONF_INVALID'],
    ['a backend that is not an object', netConf({ Network: '10.2.0.0/16', Backend: 'vxlan' }), 'CNI_NET_CONF_INVALID'],
    ['an unknown backend', backend({ Type: 'vxlan2' }), 'CNI_BACKEND_UNKNOWN'],
    ['a backend without a type', backend({ Port: 1 }), 'CNI_BACKEND_UNKNOWN'],
    ['a backend of the name of a builtin', backend({ Type: 'constructor' }), 'CNI_BACKEND_UNKNOWN'],
    ['a link too small for the backend', { linkMtu: from(40) }, 'CNI_MTU_TOO_SMALL'],
    ['a cni-conf.json that is not JSON', { cniConf: from('{') }, 'CNI_CONFIG_INVALID'],
    ['a cni-conf.json without a plugin', { cniConf: from('{"name":"cbr0","plugins":[]}') }, 'CNI_CONFIG_INVALID'],
  ];

  it.each(refusals)('%s', async (_, changes, code) => {
    await expectCode(derive({ ...INPUT, ...changes }), code);
  });

  it('and the hint names kube-controller-manager, which assigns pod CIDRs', () => {
    expect(() => subnetEnv({ podCidrs: from([]) })).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('--allocate-node-cidrs') }),
    );
  });
});
