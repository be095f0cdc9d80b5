import { describe, expect, it } from 'vitest';
import { renderDelegate } from './delegate.ts';

const ENV = { network: '10.2.0.0/16', subnet: '10.2.3.0/24', mtu: 1450, ipMasq: true };

describe('the configuration that flannel passes to the bridge plugin', () => {
  it('is a bridge with the subnet, the MTU and a route to the network', () => {
    expect(renderDelegate({ name: 'cbr0', cniVersion: '0.3.1' }, ENV)).toEqual({
      name: 'cbr0',
      cniVersion: '0.3.1',
      type: 'bridge',
      isGateway: true,
      ipMasq: false,
      mtu: 1450,
      ipam: { type: 'host-local', ranges: [[{ subnet: '10.2.3.0/24' }]], routes: [{ dst: '10.2.0.0/16' }] },
    });
  });

  it('masquerades if flannel does not', () => {
    expect(renderDelegate({ name: 'cbr0' }, { ...ENV, ipMasq: false })).toMatchObject({ ipMasq: true });
  });

  it('keeps the fields of its own configuration', () => {
    const delegate = { isDefaultGateway: true, hairpinMode: true, mtu: 1200, ipMasq: true };
    const ipam = { routes: [{ dst: '10.9.0.0/16' }], dataDir: '/x' };
    expect(renderDelegate({ name: 'cbr0', delegate, ipam, runtimeConfig: { a: 1 } }, ENV)).toMatchObject({
      ...delegate,
      runtimeConfig: { a: 1 },
      ipam: { dataDir: '/x', routes: [{ dst: '10.9.0.0/16' }, { dst: '10.2.0.0/16' }] },
    });
  });

  it('is rejected when the configuration sets a field that flannel sets', () => {
    expect(() => renderDelegate({ delegate: { name: 'x' } }, ENV)).toThrow("must not have 'name' field");
    expect(() => renderDelegate({ delegate: { ipam: {} } }, ENV)).toThrow("must not have 'ipam' field");
    expect(() => renderDelegate({ delegate: { type: 7 } }, ENV)).toThrow("must have (string) 'type' field");
  });
});
