import { type Host, type HostPath, hostPath, joinPath, type ProcessInfo } from '@kube-rescue/host';
import {
  createFakeHost,
  createFixedClock,
  expectCode,
  type FakeHost,
  staticPodManifests,
  stepLaws,
  treeOf,
} from '@kube-rescue/testing';
import {
  createChangeRegistry,
  hostChangeKinds,
  openRunStore,
  type Playbook,
  rollbackRun,
  runPlaybook,
  type RunResult,
  type WorkflowDeps,
} from '@kube-rescue/workflow';
import { readStaticPods } from '@kube-rescue/node-config';
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createControlPlaneRestartStep } from './control-plane-restart.ts';
import { createRestartKinds } from './kubelet-restart-kind.ts';

const DIRECTORY = hostPath('/etc/kubernetes/manifests');
const COMPONENTS = ['etcd', 'kube-apiserver'];
const clock = createFixedClock('2026-11-22T12:00:00Z');

interface NodeOptions {
  /** Whether the restarted kubelet starts pods. Default: true. */
  readonly kubeletWorks?: boolean;
  readonly services?: Readonly<Record<string, 'running' | 'stopped'>>;
  /** Earlier pods, by pid: the restarted kubelet does not know them. Default: none. */
  readonly old?: Map<number, string>;
  /** Whether a process ends at SIGTERM. Default: only at SIGKILL. */
  readonly endsAtTerm?: boolean;
  /** Actions on services and processes, in order. */
  readonly events?: string[];
}

const oldUidOf = (name: string): string => createHash('md5').update(`old ${name}`).digest('hex');
const OLD_UIDS = COMPONENTS.map(oldUidOf);

function podProcess(pid: number, name: string, uid: string, startTicks: number): ProcessInfo {
  const container = createHash('sha256').update(name).digest('hex');
  return { pid, argv: [name], startTicks, cgroup: `0::/kubepods/burstable/pod${uid}/${container}\n` };
}

/** A stopped node whose kubelet, once started, runs every manifest as a pod with its hash as UID. */
function createDeadNode(options: NodeOptions = {}): Host {
  const identity = { nodeName: 'cp1', address: '10.9.0.11', certificatesDir: hostPath('/etc/kubernetes/pki') };
  const manifests = staticPodManifests(identity);
  const tree = treeOf(
    Object.fromEntries(COMPONENTS.map((name) => [`${DIRECTORY}/${name}.yaml`, manifests[`${name}.yaml`] ?? ''])),
  );
  const services = options.services ?? { kubelet: 'stopped' };
  const fake = createFakeHost({
    tree: new Map([...tree, ...treeOf({ '/proc/uptime': '1000.00 1.00\n' })]),
    services,
    request: () => ({ status: 200, body: 'ok' }),
    exec: ([, signal = '', ...pids]) => {
      options.events?.push(`${signal} ${pids.join(' ')}`);
      if (signal === '-KILL' || options.endsAtTerm === true) for (const pid of pids) options.old?.delete(Number(pid));
      return { exitCode: 0, stdout: '', stderr: '' };
    },
  });
  const uids = async (): Promise<readonly (readonly [string, string])[]> => {
    if ((await fake.services.status('kubelet')) !== 'running' || options.kubeletWorks === false) return [];
    return Promise.all(
      COMPONENTS.map(async (name) => {
        const bytes = (await fake.readFile(joinPath(DIRECTORY, `${name}.yaml`))) ?? new Uint8Array();
        return [name, createHash('md5').update(bytes).digest('hex')] as const;
      }),
    );
  };
  return {
    ...fake,
    services: {
      status: (name) => fake.services.status(name),
      act: async (action, name) => {
        options.events?.push(`${action} ${name}`);
        await fake.services.act(action, name);
      },
    },
    processes: async () => [
      ...[...(options.old ?? [])].map(([pid, name]) => podProcess(pid, name, oldUidOf(name), 10)),
      ...(await uids()).map(([name, uid], index) => podProcess(100 + index, name, uid, 90_000 + index)),
    ],
    list: async (path: HostPath) =>
      path === '/var/log/pods'
        ? [...(await uids()), ...COMPONENTS.map((name) => [name, oldUidOf(name)] as const)].map(
            ([name, uid]) => `kube-system_${name}-cp1_${uid}`,
          )
        : fake.list(path),
  };
}

function depsOf(host: Host): WorkflowDeps {
  const kinds = createChangeRegistry([...hostChangeKinds(host), ...createRestartKinds({ host, clock })]);
  return { host, clock, kinds, store: openRunStore(host), onEvent: () => undefined };
}

function playbookOf(host: Host, beforeEtcdRestarts?: () => Promise<void>): Playbook {
  const step = createControlPlaneRestartStep(
    {
      id: 'control-plane/restart',
      requires: [],
      kubeletService: 'kubelet',
      value: '2026-11-22T12:00:00.000Z',
      timeoutMs: 30_000,
      beforeEtcdRestarts,
      findNeeds: async () => {
        const { pods } = await readStaticPods({ directory: DIRECTORY }, { host });
        const processes = await host.processes();
        const isUp =
          processes.length > 0 && !processes.some(({ cgroup }) => OLD_UIDS.some((uid) => cgroup.includes(uid)));
        const reason = (name: string): string | undefined => (isUp ? undefined : `${name} is not running`);
        return { pods: pods.map((pod) => ({ pod, reason: reason(pod.component) })), kubelet: reason('the kubelet') };
      },
    },
    { host, clock },
  );
  return { id: 'demo', title: 'Demo', phases: [{ id: 'demo', title: 'Demo', steps: async () => [step] }] };
}

function run(host: Host, beforeEtcdRestarts?: () => Promise<void>): Promise<RunResult> {
  const signal = new AbortController().signal;
  return runPlaybook(
    { playbook: playbookOf(host, beforeEtcdRestarts), selection: {}, confirm: async () => true, signal },
    depsOf(host),
  );
}

describe('the restart of a control plane', () => {
  it('changes every manifest before it starts the kubelet, and waits for a new pod of each', async () => {
    const host = createDeadNode();
    const { outcome, plan, steps } = await run(host);
    expect(outcome).toBe('done');
    expect(plan.entries[0]?.changes.map(({ kind, target }) => `${kind} ${target}`)).toEqual([
      `file.replace ${DIRECTORY}/etcd.yaml`,
      `file.replace ${DIRECTORY}/kube-apiserver.yaml`,
      'kubelet.restart kubelet',
    ]);
    const made = (host as FakeHost).mutations.map(({ target }) => target);
    expect(made.filter((target) => target.startsWith(DIRECTORY) || target === 'kubelet')).toEqual([
      `${DIRECTORY}/etcd.yaml`,
      `${DIRECTORY}/kube-apiserver.yaml`,
      'kubelet',
    ]);
    expect(steps[0]?.evidence.filter((line) => line.includes('new pod'))).toHaveLength(2);
    expect((await run(host)).outcome).toBe('nothing-to-do');
  });

  it('asks the old pods to end, which the restarted kubelet does not know: the API server before etcd, whose end it awaits', async () => {
    const events: string[] = [];
    const old = new Map(COMPONENTS.map((name, index) => [50 + index, name] as const));
    const { outcome } = await run(createDeadNode({ old, events, endsAtTerm: true }));
    expect(outcome).toBe('done');
    expect(events).toEqual(['-TERM 51', '-TERM 50', 'restart kubelet']);
  });

  it('reports what it waited for when the kubelet starts no pod, and can be resumed', async () => {
    const error = await expectCode(run(createDeadNode({ kubeletWorks: false })), 'NOT_VERIFIED');
    expect(error.message).toContain('no new etcd pod appeared');
    expect(error.message).toContain('no new kube-apiserver pod appeared');
  });

  it('lets etcd prepare once, before the first change, and not when it does not restart', async () => {
    const host = createDeadNode();
    const changed: number[] = [];
    const prepare = async (): Promise<void> => {
      const { mutations } = host as FakeHost;
      changed.push(mutations.filter(({ target }) => target.startsWith(DIRECTORY)).length);
    };
    expect((await run(host, prepare)).outcome).toBe('done');
    expect((await run(host, prepare)).outcome).toBe('nothing-to-do');
    expect(changed).toEqual([0]);
  });

  it('is blocked when the kubelet service is unknown', async () => {
    const error = await expectCode(run(createDeadNode({ services: {} })), 'WORKFLOW_BLOCKED');
    expect(error.hint).toContain('--service-command');
  });

  it('restores the manifests and stops the kubelet on a rollback', async () => {
    const host = createDeadNode();
    const before = await host.readFile(joinPath(DIRECTORY, 'etcd.yaml'));
    const { runId } = await run(host);
    expect(await host.readFile(joinPath(DIRECTORY, 'etcd.yaml'))).not.toEqual(before);
    expect((await rollbackRun(runId ?? '', depsOf(host))).notReverted).toEqual([]);
    expect(await host.readFile(joinPath(DIRECTORY, 'etcd.yaml'))).toEqual(before);
    expect(await host.services.status('kubelet')).toBe('stopped');
  });
});

stepLaws('restart of a stopped control plane', () => ({
  makeHost: async () => createDeadNode(),
  makePlaybook: (host) => playbookOf(host),
  makeKinds: (host) => createRestartKinds({ host, clock }),
  clock,
  directories: [DIRECTORY],
  readState: (host) => host.services.status('kubelet'),
}));
