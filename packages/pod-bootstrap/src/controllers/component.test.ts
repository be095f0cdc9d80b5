import type { KubernetesObject } from '@kube-rescue/cluster-objects';
import { describe, expect, it } from 'vitest';
import { componentFlag, identifyComponent } from './component.ts';
import { CONTROLLER_MANAGER, COREDNS, PROXY, SCHEDULER } from '../rescue/control-plane.fixture.ts';
import { findLeaderLock, isHeldBy } from '../leases/leader-election.ts';
import { rescueOrder } from '../rescue/rescue-order.ts';

function pod(container: object, labels: object = {}): KubernetesObject {
  const metadata = { name: 'x', labels: labels as Record<string, string> };
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [container] } };
}

describe('a control-plane component', () => {
  it.each([
    ['kube-scheduler', SCHEDULER],
    ['kube-controller-manager', CONTROLLER_MANAGER],
    ['cluster-dns', COREDNS],
    ['kube-proxy', PROXY],
  ])('is identified in the manifests of Tectonic and kubeadm: %s', (component, object) => {
    expect(identifyComponent({ apiVersion: 'apps/v1', kind: 'Deployment', ...object } as KubernetesObject)).toBe(
      component,
    );
  });

  it.each([
    ['kube-scheduler', { command: ['/bin/sh', '-c', 'exec /usr/local/bin/kube-scheduler --v=2'] }, {}],
    ['kube-proxy', { command: ['/hyperkube', 'proxy', '--cluster-cidr=10.2.0.0/16'] }, {}],
    [
      'kube-controller-manager',
      { command: ['kube-controller-manager', '--leader-elect-resource-name', 'kube-scheduler'] },
      {},
    ],
    ['cluster-dns', { command: ['/lab-dns'] }, { 'k8s-app': 'kube-dns' }],
    ['cluster-dns', { image: 'registry.example:5000/coredns/coredns:1.7.0' }, {}],
    [undefined, { command: ['/web', '--title=kube-scheduler'] }, { app: 'constructor' }],
  ])('is identified by its program, labels or image: %s', (component, container, labels) => {
    expect(identifyComponent(pod(container, labels))).toBe(component);
  });

  it('has flags in both forms', () => {
    const containers = [{ command: ['x', '--a=1', '--b', '2', '--c', '--d=', '--a=3'] }];
    expect(['a', 'b', 'c', 'd', 'e'].map((name) => componentFlag(containers, name))).toEqual([
      '3',
      '2',
      'true',
      '',
      undefined,
    ]);
  });
});

describe('a leader lock', () => {
  it('is found by the flags', () => {
    const lockOf = (...flags: readonly string[]) =>
      findLeaderLock('kube-scheduler', [{ command: ['kube-scheduler', ...flags] }]);
    expect(lockOf()).toEqual({ namespace: 'kube-system', name: 'kube-scheduler' });
    expect(lockOf('--leader-elect-resource-name=a', '--leader-elect-resource-namespace=b')).toEqual({
      namespace: 'b',
      name: 'a',
    });
    expect(lockOf('--lock-object-name=a')).toMatchObject({ name: 'a' });
    expect(lockOf('--leader-elect=false')).toBeUndefined();
    expect(findLeaderLock('cluster-dns', [])).toBeUndefined();
  });

  it.each([
    [true, 'kube-scheduler-rescue_3f', {}],
    [false, 'kube-scheduler-rescue-2_3f', {}],
    [true, 'cp1_3f', { hostNetwork: true }],
    [false, 'cp1_3f', {}],
  ])('is held by the pod with its host name: %s %s', (held, holder, given) => {
    const found = { name: 'kube-scheduler-rescue', hostname: undefined, hostNetwork: false, node: 'cp1', ...given };
    expect(isHeldBy({ holder }, found)).toBe(held);
  });
});

describe('the order of rescue pods', () => {
  it('follows the dependencies of the given components', () => {
    const turns = rescueOrder(['kube-scheduler', 'cluster-dns', 'kube-controller-manager', 'kube-scheduler']);
    expect(turns.map(({ component, requires }) => [component, requires])).toEqual([
      ['kube-controller-manager', []],
      ['cluster-dns', ['kube-controller-manager']],
      ['kube-scheduler', ['kube-controller-manager', 'cluster-dns']],
    ]);
    expect(turns.every(({ reason }) => reason.length > 0)).toBe(true);
  });
});
