import { type Host, joinPath } from '@kube-rescue/host';
import { createFixedClock } from '@kube-rescue/testing';
import {
  createChangeRegistry,
  hostChangeKinds,
  openRunStore,
  type Playbook,
  runPlaybook,
  type WorkflowDeps,
} from '@kube-rescue/workflow';
import { describe, expect, it } from 'vitest';
import { createServingNode, MANIFESTS } from './waiting-kubelet.fixture.ts';
import { createRestartKinds } from './kubelet-restart-kind.ts';
import { createRestartStep } from './restart-step.ts';

const COMPONENTS = ['kube-apiserver', 'kube-scheduler'];
const ALL = ['etcd', ...COMPONENTS];
const VALUE = '2026-11-29T12:00:00.000Z';

function playbookOf(host: Host, clock: WorkflowDeps['clock'], components = COMPONENTS): Playbook {
  const step = createRestartStep(
    {
      pods: components.map((component) => ({ component, manifest: joinPath(MANIFESTS, `${component}.yaml`) })),
      others: ALL.filter((name) => !components.includes(name)).map((name) => joinPath(MANIFESTS, `${name}.yaml`)),
      value: VALUE,
      timeoutMs: 60_000,
      kubeletService: 'kubelet',
      findKubelet: async () => ({ configuration: { program: '/usr/bin/kubelet' }, obstacle: undefined }),
    },
    { host, clock },
  );
  return { id: 'restart', title: 'restart', phases: [{ id: 'restart', title: 'restart', steps: async () => [step] }] };
}

async function restart(version: string, components = COMPONENTS) {
  const clock = createFixedClock(VALUE);
  const { host } = createServingNode({ version, clock });
  const kinds = createChangeRegistry([...hostChangeKinds(host), ...createRestartKinds({ host, clock })]);
  const made: string[] = [];
  const store = openRunStore(host);
  const deps: WorkflowDeps = {
    ...{ host, clock, kinds, store },
    onEvent: (event) => {
      if (event.type === 'change-made') made.push(event.text);
    },
  };
  const { signal } = new AbortController();
  const started = clock.now().getTime();
  const input = { playbook: playbookOf(host, clock, components), selection: {}, confirm: async () => true, signal };
  const { outcome, plan, steps } = await runPlaybook(input, deps);
  const seconds = (clock.now().getTime() - started) / 1000;
  return { outcome, plan, steps, made, seconds };
}

describe('static pods of a control plane that serves', () => {
  it('are replaced within seconds by one restart of a kubelet that waits for old pods', async () => {
    const { outcome, plan, made, seconds } = await restart('1.37.2');
    expect(outcome).toBe('done');
    expect(plan.entries[0]?.changes.map(({ kind }) => kind)).toEqual([
      'file.replace',
      'file.replace',
      'kubelet.restart',
    ]);
    expect(plan.entries[0]?.finding.evidence.at(-1)).toContain('kubelet 1.37.2 starts a changed static pod');
    expect(made.slice(2)).toEqual([
      'restart the service kubelet',
      expect.stringMatching(/^kill the old kube-apiserver, which listens no more \(process \d+\)$/),
    ]);
    expect(seconds).toBeLessThan(4);
  });

  it('are left to an older kubelet', async () => {
    const { outcome, made, seconds, plan } = await restart('1.22.4');
    expect(outcome).toBe('done');
    expect(made).toHaveLength(2);
    expect(plan.entries[0]?.finding.evidence.at(-1)).toContain('beside the old one');
    // The grace period of the old API server.
    expect(seconds).toBeGreaterThan(30);
  });

  it('are replaced within seconds together with etcd, whose manifest changes once the API server listens no more', async () => {
    const { outcome, made, seconds } = await restart('1.37.2', ALL);
    expect(outcome).toBe('done');
    expect(made).toEqual([
      expect.stringContaining('kube-apiserver.yaml'),
      expect.stringContaining('kube-scheduler.yaml'),
      expect.stringContaining('etcd.yaml'),
      'restart the service kubelet',
      expect.stringMatching(/^kill the old kube-apiserver/),
    ]);
    expect(seconds).toBeLessThan(6);
  });

  it('end by themselves, and no other process is killed', async () => {
    const { made } = await restart('1.37.2', ['kube-scheduler']);
    expect(made.slice(1)).toEqual(['restart the service kubelet']);
  });
});
