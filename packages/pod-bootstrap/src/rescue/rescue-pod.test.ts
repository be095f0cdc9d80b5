import type { KubernetesObject } from '@kube-rescue/cluster-objects';
import { describe, expect, it } from 'vitest';
import { CONTROLLER_MANAGER, COREDNS, DATABASE, PROXY, SCHEDULER } from './control-plane.fixture.ts';
import { toController } from '../controllers/pod-controller.ts';
import { RESCUE_LABEL, type Selectors } from './rescue-labels.ts';
import { cutRescuePod, RESCUE_OF, rescuePodName } from './rescue-pod.ts';

const NOBODY: Selectors = { controllers: [], services: [] };
const DNS_SERVICE = { name: 'kube-dns', selector: { 'k8s-app': 'kube-dns' } };

function cut(kind: string, object: unknown, selectors: Selectors = NOBODY, ordinal?: number) {
  const controller = toController({ apiVersion: 'apps/v1', kind, ...(object as object) } as KubernetesObject);
  return cutRescuePod(controller, { node: 'cp1', ordinal, selectors });
}

describe('a rescue pod', () => {
  it('is bound to its node, tolerates every taint and has no node selector', () => {
    const { spec, metadata } = cut('Deployment', SCHEDULER).object;
    expect(spec).toMatchObject({
      nodeName: 'cp1',
      tolerations: [{ operator: 'Exists' }],
      serviceAccountName: 'default',
    });
    expect(Object.keys(spec as object)).not.toContain('nodeSelector');
    expect(Object.keys(spec as object)).not.toContain('affinity');
    expect(metadata).toMatchObject({
      name: 'kube-scheduler-rescue',
      namespace: 'kube-system',
      labels: { 'k8s-app': 'kube-scheduler', tier: 'control-plane', [RESCUE_LABEL]: 'kube-scheduler' },
      annotations: { [RESCUE_OF]: 'Deployment kube-system/kube-scheduler' },
    });
    expect(metadata.ownerReferences).toBeUndefined();
  });

  it('does not pull an image that is on the node', () => {
    const { containers } = cut('Deployment', SCHEDULER).object.spec as { containers: readonly object[] };
    expect(containers[0]).toMatchObject({ imagePullPolicy: 'IfNotPresent' });
  });

  it('is not checkpointed', () => {
    const { metadata } = cut('Deployment', CONTROLLER_MANAGER).object;
    expect(Object.keys(metadata.annotations ?? {})).toEqual([RESCUE_OF]);
  });

  it('of a StatefulSet has the host name and the volumes of its ordinal', () => {
    const { spec, metadata } = cut('StatefulSet', DATABASE, NOBODY, 1).object;
    expect(metadata.name).toBe('db-rescue');
    expect(spec).toMatchObject({
      hostname: 'db-1',
      subdomain: 'db',
      volumes: [
        { name: 'tmp', emptyDir: {} },
        { name: 'data', persistentVolumeClaim: { claimName: 'data-db-1' } },
      ],
    });
  });

  it('has a name that fits into the name of its log directory', () => {
    const name = `${'a'.repeat(120)}.b${'c'.repeat(100)}`;
    const short = rescuePodName({ kind: 'Deployment', name }, 'cp1');
    expect(short).toMatch(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/);
    expect(short.length).toBeLessThanOrEqual(140);
    expect(short).not.toBe(rescuePodName({ kind: 'Deployment', name: `${name}d` }, 'cp1'));
  });
});

describe('the labels of a rescue pod', () => {
  it('match its Service but not the ReplicaSet', () => {
    const replicaSet = {
      name: 'rs',
      selector: { matchLabels: { 'k8s-app': 'kube-dns', 'pod-template-hash': 'f9fd979d6' } },
    };
    const { chosen } = cut('Deployment', COREDNS, { controllers: [replicaSet], services: [DNS_SERVICE] });
    expect(chosen).toEqual({
      labels: { 'k8s-app': 'kube-dns', [RESCUE_LABEL]: 'coredns' },
      dropped: [],
      unserved: [],
    });
  });

  it('lack a label that the DaemonSet selects', () => {
    const daemonSet = { name: 'kube-proxy', selector: { matchLabels: { 'k8s-app': 'kube-proxy' } } };
    const { chosen } = cut('DaemonSet', PROXY, { controllers: [daemonSet], services: [] });
    expect(chosen).toMatchObject({ dropped: ['k8s-app'], labels: { [RESCUE_LABEL]: 'kube-proxy' } });
    expect(chosen.labels).not.toHaveProperty('k8s-app');
  });

  it('lack a label that no Service selects, if there is one', () => {
    const spec = (COREDNS as { spec: { template: { spec: object } } }).spec;
    const labels = { 'k8s-app': 'kube-dns', tier: 'node' };
    const object = { ...COREDNS, spec: { ...spec, template: { ...spec.template, metadata: { labels } } } };
    const daemonSet = { name: 'dns', selector: { matchLabels: labels } };
    const { chosen } = cut('DaemonSet', object, { controllers: [daemonSet], services: [DNS_SERVICE] });
    expect(chosen).toMatchObject({ dropped: ['tier'], unserved: [] });
  });

  it('lose the Service rather than match a controller', () => {
    const daemonSet = {
      name: 'dns',
      selector: { matchExpressions: [{ key: 'k8s-app', operator: 'In', values: ['kube-dns'] }] },
    };
    const { chosen } = cut('DaemonSet', COREDNS, { controllers: [daemonSet], services: [DNS_SERVICE] });
    expect(chosen).toMatchObject({ dropped: ['k8s-app'], unserved: ['kube-dns'] });
  });
});
