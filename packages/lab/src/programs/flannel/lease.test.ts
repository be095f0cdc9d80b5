import { describe, expect, it } from 'vitest';
import { type FlannelNode, leaseAnnotations, podMtu, routesToOthers, subnetOf } from './lease.ts';

const NET_CONF = { Network: '10.2.0.0/16', Backend: { Type: 'vxlan', Port: 4789 } };
const LINK = { name: 'eth0', address: '10.200.0.11', mac: '0a:58:0a:c8:00:0b', mtu: 1500 };

function node(name: string, podCIDR?: string, annotations: Record<string, string> = {}): FlannelNode {
  const addresses = [
    { type: 'Hostname', address: name },
    { type: 'InternalIP', address: `10.200.0.${name.length}` },
  ];
  return { metadata: { name, annotations }, spec: podCIDR === undefined ? {} : { podCIDR }, status: { addresses } };
}

describe('a lease of flannel', () => {
  it('is the podCIDR of its Node', () => {
    expect(subnetOf(node('cp1', '10.2.0.0/24'), NET_CONF)).toBe('10.2.0.0/24');
  });

  it('is rejected while the Node has no podCIDR', () => {
    expect(() => subnetOf(node('cp1'), NET_CONF)).toThrow('node "cp1" pod cidr not assigned');
  });

  it('is rejected when the podCIDR is outside the network', () => {
    expect(() => subnetOf(node('cp1', '10.7.0.0/24'), NET_CONF)).toThrow(
      'subnet "10.2.0.0/16" specified in the flannel net config doesn\'t contain "10.7.0.0/24" PodCIDR of the "cp1" node',
    );
  });

  it.each([
    ['vxlan', 1450],
    ['host-gw', 1500],
  ])('with the backend %s leaves %i bytes to a packet', (Type, expected) => {
    expect(podMtu(LINK, { ...NET_CONF, Backend: { Type } })).toBe(expected);
  });

  it('is rejected with an unsupported backend', () => {
    expect(() => podMtu(LINK, { ...NET_CONF, Backend: { Type: 'ipip' } })).toThrow('unknown backend type "ipip"');
  });

  it('is published in annotations', () => {
    expect(leaseAnnotations(LINK, NET_CONF)).toEqual({
      'flannel.alpha.coreos.com/backend-data': '{"VtepMAC":"0a:58:0a:c8:00:0b"}',
      'flannel.alpha.coreos.com/backend-type': 'vxlan',
      'flannel.alpha.coreos.com/kube-subnet-manager': 'true',
      'flannel.alpha.coreos.com/public-ip': '10.200.0.11',
    });
  });
});

describe('routes between nodes', () => {
  it('exist for every other node with a podCIDR, via its announced address or else its own', () => {
    const announced = { 'flannel.alpha.coreos.com/public-ip': '10.200.0.99' };
    const nodes = [
      node('cp1', '10.2.0.0/24'),
      node('node02', '10.2.1.0/24'),
      node('node003', '10.2.2.0/24', announced),
      node('fresh'),
    ];
    expect([...routesToOthers(nodes, 'cp1')]).toEqual([
      ['10.2.1.0/24', '10.200.0.6'],
      ['10.2.2.0/24', '10.200.0.99'],
    ]);
  });
});
