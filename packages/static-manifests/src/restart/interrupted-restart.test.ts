import { type Host, joinPath } from '@kube-rescue/host';
import { readStaticPod } from '@kube-rescue/node-config';
import { createFixedClock, type FixedClock, type StepCase, stepLaws } from '@kube-rescue/testing';
import {
  createChangeRegistry,
  hostChangeKinds,
  openRunStore,
  type Playbook,
  rollbackRun,
  runPlaybook,
  type WorkflowDeps,
} from '@kube-rescue/workflow';
import { describe, expect, it } from 'vitest';
import { createControlPlaneRestartStep } from './control-plane-restart.ts';
import { createRestartKinds } from './kubelet-restart-kind.ts';
import { RESTART_ANNOTATION } from './restart.ts';
import { createServingNode, MANIFESTS } from './waiting-kubelet.fixture.ts';

const ALL = ['etcd', 'kube-apiserver', 'kube-scheduler'];
const FILES = ALL.map((name) => joinPath(MANIFESTS, `${name}.yaml`));

/** Restarts the pods of manifests without annotation. A run that resumes is another process, with a value of its own. */
function playbookOf(host: Host, clock: FixedClock, components: readonly string[], value: string): Playbook {
  const step = createControlPlaneRestartStep(
    {
      id: 'restart',
      requires: [],
      findNeeds: async () => {
        const pods = await Promise.all(FILES.map((path) => readStaticPod(path, { host })));
        const isDue = ({ component, annotations }: (typeof pods)[number]): boolean =>
          components.includes(component) && !annotations.has(RESTART_ANNOTATION);
        const needs = pods.map((pod) => ({
          pod,
          reason: isDue(pod) ? `${pod.component} is to be restarted` : undefined,
        }));
        return { pods: needs, kubelet: undefined };
      },
      kubeletService: 'kubelet',
      findKubelet: async () => ({ configuration: { program: '/usr/bin/kubelet' }, obstacle: undefined }),
      value,
      timeoutMs: 240_000,
    },
    { host, clock },
  );
  return { id: 'restart', title: 'Restart', phases: [{ id: 'restart', title: 'Restart', steps: async () => [step] }] };
}

function createMachines(options: Omit<Parameters<typeof createServingNode>[0], 'clock' | 'version'>) {
  const clock = createFixedClock('2026-11-29T12:00:00Z');
  const nodes = new Map<string, ReturnType<typeof createServingNode>>();
  return {
    clock,
    create: (): Host => {
      const node = createServingNode({ version: '1.37.2', clock, ...options });
      const name = `node ${nodes.size}`;
      nodes.set(name, node);
      return { ...node.host, name };
    },
    /** Distinguishes the processes of a run on this machine. */
    valueOf: ({ name }: Host): string => `after ${nodes.get(name)?.countWrites()} writes`,
    /** The manifests without that value, and what becomes of their pods. */
    readState: async (host: Host) => {
      const files = await Promise.all(FILES.map(async (path) => (await host.readFile(path)) ?? new Uint8Array()));
      const manifests = files.map((bytes) =>
        Buffer.from(bytes)
          .toString()
          .replace(/after \d+ writes/, 'later'),
      );
      const settled = await nodes.get(host.name)?.settle();
      expect(settled?.violations).toEqual([]);
      return { manifests, settled };
    },
  };
}

function caseOf(components: readonly string[], options: { readonly coalesces: boolean }): StepCase {
  const { clock, create, valueOf, readState } = createMachines(options);
  return {
    makeHost: async () => create(),
    makePlaybook: (host) => playbookOf(host, clock, components, valueOf(host)),
    makeKinds: (host) => createRestartKinds({ host, clock }),
    clock,
    directories: [],
    readState,
  };
}

stepLaws('restart of an API server and a scheduler that serve', () =>
  caseOf(['kube-apiserver', 'kube-scheduler'], { coalesces: false }),
);
stepLaws('restart of a control plane that serves, whose kubelet misses changes', () =>
  caseOf(ALL, { coalesces: true }),
);

describe('a restart whose new pods do not work', () => {
  it.each([
    ['crash', 'crashes'],
    ['open their ports, but cannot be used', 'is unusable'],
  ] as const)('is rolled back to pods that serve, although they %s', async (_, flaw) => {
    for (const components of [['kube-apiserver', 'kube-scheduler'], ['etcd'], ALL]) {
      const { clock, create, valueOf, readState } = createMachines({ flaw });
      const host = create();
      const before = await readState(host);
      const kinds = createChangeRegistry([...hostChangeKinds(host), ...createRestartKinds({ host, clock })]);
      const deps: WorkflowDeps = { host, clock, kinds, store: openRunStore(host), onEvent: () => undefined };
      const playbook = playbookOf(host, clock, components, valueOf(host));
      const { signal } = new AbortController();
      const run = runPlaybook({ playbook, selection: {}, confirm: async () => true, signal }, deps);
      await expect(run).rejects.toMatchObject({ code: 'NOT_VERIFIED' });
      expect(await rollbackRun('latest', deps)).toMatchObject({ notReverted: [] });
      expect(await readState(host)).toEqual(before);
    }
  });
});
