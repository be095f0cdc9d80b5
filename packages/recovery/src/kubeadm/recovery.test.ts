import { type Host, hostPath } from '@kube-rescue/host';
import { buildPki, createFakeHost, createFixedClock, expectCode, type Pki, treeOf } from '@kube-rescue/testing';
import { type Plan, planPlaybook } from '@kube-rescue/workflow';
import { beforeAll, describe, expect, it } from 'vitest';
import { createRecoveryPlaybook, createRenewalPlaybook, createRestartPlaybook } from '../index.ts';
import { type Node, openNode } from '@kube-rescue/node';

const NOW = new Date('2026-11-22T12:00:00Z');
const NODE = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };
const clock = createFixedClock(NOW);

let expired: Pki;

beforeAll(async () => {
  expired = await buildPki({ now: NOW, expired: ['etcd/server', 'scheduler.conf', 'kubelet-client'] });
});

function expiredNode(kind: 'live' | 'copy'): Node {
  const tree = new Map([...expired.tree, ...treeOf({ '/proc/uptime': '1000.00 1.00\n' })]);
  const host: Host = { ...createFakeHost({ tree, services: { kubelet: 'stopped' } }), kind };
  return openNode(NODE, { host, clock });
}

function plan(playbook: Parameters<typeof planPlaybook>[0]): Promise<Plan> {
  return planPlaybook(playbook, {
    host: 'cp1',
    clock: { now: () => NOW },
    selection: {},
    signal: new AbortController().signal,
  });
}

describe('the recovery playbook', () => {
  it('renews expired certificates, restarts stopped components, and waits for every effect', async () => {
    const { entries } = await plan(createRecoveryPlaybook(expiredNode('live'), {}));
    expect(entries.filter(({ finding }) => finding.status !== 'ok').map(({ step }) => step)).toEqual([
      'pki/renew/etcd/server',
      'kubeconfig/renew/scheduler.conf',
      'kubelet/renew/client',
      'control-plane/restart',
      'control-plane/leader-locks',
      'control-plane/api-stable',
      'backup/etcd-snapshot',
      'etcd/members-answer',
      'node/ready',
      'control-plane/kube-controller-manager-at-work',
      'control-plane/kube-scheduler-at-work',
      'node/ca-published',
    ]);
    const restart = entries.find(({ step }) => step === 'control-plane/restart');
    expect(restart?.changes.map(({ target }) => target.split('/').at(-1))).toEqual([
      'etcd.yaml',
      'kube-apiserver.yaml',
      'kube-controller-manager.yaml',
      'kube-scheduler.yaml',
      'kubelet',
    ]);
  });

  it('plans to restart components with a certificate that expires soon', async () => {
    const { entries } = await plan(createRecoveryPlaybook(expiredNode('live'), { expiringWithinDays: 400 }));
    const restart = entries.find(({ step }) => step === 'control-plane/restart');
    expect(restart?.finding.evidence.join()).toContain('is to be renewed');
    expect(restart?.finding.evidence).toHaveLength(5);
  });

  it('renews only certificates on a copy of a node', async () => {
    const { entries } = await plan(createRecoveryPlaybook(expiredNode('copy'), {}));
    expect(new Set(entries.map(({ phase }) => phase))).toEqual(new Set(['certificates']));
  });
});

describe('the renewal playbook', () => {
  it('plans only the certificates that were named', async () => {
    const options = { all: true, only: ['admin.conf'] };
    const { entries } = await plan(createRenewalPlaybook(expiredNode('copy'), options));
    expect(entries.map(({ step }) => step)).toEqual(['kubeconfig/renew/admin.conf']);
  });

  it('refuses an unknown certificate', async () => {
    const playbook = createRenewalPlaybook(expiredNode('copy'), { only: ['front-gate'] });
    await expectCode(plan(playbook), 'PKI_CERTIFICATE_UNKNOWN');
  });
});

describe('on a worker', () => {
  async function worker(hasDirectory: boolean): Promise<Node> {
    const kept = ['/etc/kubernetes/kubelet.conf', '/etc/kubernetes/pki/ca.crt', '/var/lib/kubelet/'];
    const tree = new Map([...expired.tree].filter(([path]) => kept.some((part) => path.startsWith(part))));
    const host = createFakeHost({ tree, services: { kubelet: 'stopped' } });
    if (hasDirectory) await host.makeDirectory(hostPath('/etc/kubernetes/manifests'), { mode: 0o755 });
    return openNode(NODE, { host, clock });
  }

  it.each([
    ['recovery', 'LAYOUT_UNKNOWN', (node: Node) => createRecoveryPlaybook(node, {})],
    ['renewal', 'PKI_CERTIFICATE_MISSING', (node: Node) => createRenewalPlaybook(node, { only: ['apiserver'] })],
    ['restart', 'MANIFEST_UNKNOWN', (node: Node) => createRestartPlaybook(node, { names: ['kube-apiserver'] })],
  ] as const)(
    'the %s is sent to a control-plane node, with or without a manifest directory',
    async (_, code, create) => {
      for (const hasDirectory of [true, false]) {
        const error = await expectCode(plan(create(await worker(hasDirectory))), code);
        expect(error.hint).toContain('run this on a control-plane node');
        expect(error.hint).not.toContain('CA key');
      }
    },
  );
});

describe('the restart playbook', () => {
  it('refuses an unknown static pod, and lists the known ones', async () => {
    const error = await expectCode(
      plan(createRestartPlaybook(expiredNode('live'), { names: ['kube-proxy'] })),
      'MANIFEST_UNKNOWN',
    );
    expect(error.hint).toContain('kube-apiserver');
  });

  it('restarts exactly the pods that were named', async () => {
    const { entries } = await plan(createRestartPlaybook(expiredNode('live'), { names: ['kube-scheduler'] }));
    expect(entries.map(({ step }) => step)).toEqual(['static-pod/restart/kube-scheduler']);
  });
});
