import { hostPath } from '@kube-rescue/host';
import { createFixedClock } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import type { CheckpointStabilityInput } from './stability-step.ts';
import { createCheckpointStabilityStep } from './stability-step.ts';
import {
  API,
  API_COPY_UID,
  API_UID,
  apiManifest,
  cachedPath,
  type CheckpointNode,
  createCheckpointNode,
  DIRECTORY,
  healthyProcesses,
  INACTIVE,
  OLD,
  podProcess,
} from './checkpoint-node.fixture.ts';

const START = '2026-11-22T10:00:00Z';
const signal = new AbortController().signal;

interface Scene {
  /** The event at each second, in order. */
  readonly at?: Readonly<Record<number, (node: CheckpointNode) => unknown>>;
  readonly processes?: readonly ReturnType<typeof podProcess>[];
  readonly files?: Readonly<Record<string, string>>;
  readonly kubelet?: 'stopped';
  readonly onKubeletStart?: (node: CheckpointNode) => void;
  readonly input?: Partial<CheckpointStabilityInput>;
}

/** Runs the proof on a node whose events follow the clock. */
async function prove(scene: Scene) {
  const clock = createFixedClock(START);
  const elapsed = (): number => (clock.now().getTime() - new Date(START).getTime()) / 1000;
  const isServing = (each: CheckpointNode): boolean =>
    [...each.running.values()].some(({ argv }) => argv[0] === 'kube-apiserver');
  const node = await createCheckpointNode({
    processes: scene.processes,
    files: scene.files,
    onKubeletStart: scene.onKubeletStart,
    kubelet: scene.kubelet,
    request: (each) => (isServing(each) ? { status: 200, serialNumber: '0A' } : undefined),
  } as Parameters<typeof createCheckpointNode>[0]);
  const due = new Map(Object.entries(scene.at ?? {}).map(([second, act]) => [Number(second), act]));
  const step = createCheckpointStabilityStep(
    { requires: [], directory: DIRECTORY, kubeletService: 'kubelet', timeoutMs: 60_000, ...scene.input },
    {
      ...node,
      clock: {
        now: () => clock.now(),
        sleep: async (ms) => {
          await clock.sleep(ms);
          for (const [second, act] of due) {
            if (second > elapsed()) continue;
            due.delete(second);
            await act(node);
          }
        },
      },
    },
  );
  const waits: string[] = [];
  return { verdict: await step.verify(signal, (what) => void waits.push(what)), seconds: elapsed(), waits, node, step };
}

const copyProcesses = [podProcess(300, API_COPY_UID, '/pause'), podProcess(301, API_COPY_UID, 'kube-apiserver')];

describe('a checkpointed API server is proven stable', () => {
  it('when one process of its own pod answers through two refreshes and a restart of the kubelet', async () => {
    const { verdict, seconds, node } = await prove({ input: { expectedSerial: async () => '0a' } });
    expect(verdict).toMatchObject({ verified: true });
    expect(seconds).toBeGreaterThanOrEqual(120 + 30);
    expect(node.events).toEqual(['restart kubelet']);
  });

  it('not while a checkpoint answers, but after the hand-over', async () => {
    const active = `${DIRECTORY}/kube-system-${API}.json`;
    const without = healthyProcesses().filter(({ pid }) => pid !== 100 && pid !== 101);
    const { verdict, waits } = await prove({
      processes: [...without, ...copyProcesses],
      files: { [active]: apiManifest() },
      at: {
        20: async ({ running, host }) => {
          await host.remove(active as never);
          for (const pid of [300, 301]) running.delete(pid);
          running.set(100, podProcess(100, API_UID, '/pause'));
        },
        35: ({ running }) => running.set(401, podProcess(401, API_UID, 'kube-apiserver')),
      },
    });
    expect(verdict).toMatchObject({
      verified: true,
      evidence: [expect.stringContaining('process 401'), expect.anything(), expect.anything(), expect.anything()],
    });
    expect(waits.slice(0, 2)).toEqual([
      'the API server to answer',
      expect.stringContaining('still runs from its checkpoint'),
    ]);
    expect(waits.some((what) => what.includes('the checkpointer is blocked'))).toBe(true);
  });

  it('while the checkpoint, which no longer listens, is in its grace period', async () => {
    const row = '   0: 00000000:192B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7777 1';
    const { verdict } = await prove({
      processes: [...healthyProcesses(), ...copyProcesses],
      files: { '/proc/net/tcp': `  sl  local_address rem_address   st\n${row}\n`, '/proc/101/fd/1': '' },
      at: { 10: ({ host }) => host.writeLink(hostPath('/proc/101/fd/9'), 'socket:[7777]') },
    });
    expect(verdict).toMatchObject({
      verified: true,
      evidence: [expect.stringContaining('process 101'), expect.anything(), expect.anything(), expect.anything()],
    });
  });

  it('after a restart, because the hand-over came too early for the kubelet', async () => {
    const { verdict, node } = await prove({
      at: { 2: ({ running }) => running.delete(101) },
      onKubeletStart: ({ running }) => running.set(601, podProcess(601, API_UID, 'kube-apiserver')),
    });
    expect(verdict).toMatchObject({ verified: true });
    expect(node.events.filter((event) => event.endsWith('kubelet'))).toEqual([
      'stop kubelet',
      'start kubelet',
      'restart kubelet',
    ]);
  });

  it('after a restart that does not wait for the grace period of the checkpoint, which no longer listens', async () => {
    let wasRestarted = false;
    const { verdict } = await prove({
      processes: [...healthyProcesses(), ...copyProcesses],
      at: {
        2: ({ running }) => running.delete(101),
        25: ({ events }) => {
          wasRestarted = events.includes('stop kubelet');
        },
      },
      onKubeletStart: ({ running }) => running.set(601, podProcess(601, API_UID, 'kube-apiserver')),
    });
    expect(verdict).toMatchObject({ verified: true });
    expect(wasRestarted).toBe(true);
  });

  it('not after a restart while the checkpoint listens', async () => {
    const row = '   0: 00000000:192B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7777 1';
    const { node } = await prove({
      processes: [...healthyProcesses().filter(({ pid }) => pid !== 101), ...copyProcesses],
      files: { '/proc/net/tcp': `  sl  local_address rem_address   st\n${row}\n`, '/proc/301/fd/1': '' },
      at: { 0: ({ host }) => host.writeLink(hostPath('/proc/301/fd/9'), 'socket:[7777]') },
    });
    expect(node.events).toEqual([]);
  });

  it('after a run that was killed during a restart, with a stopped kubelet', async () => {
    const { verdict, node } = await prove({
      kubelet: 'stopped',
      processes: [],
      onKubeletStart: ({ running }) => running.set(601, podProcess(601, API_UID, 'kube-apiserver')),
    });
    expect(verdict).toMatchObject({ verified: true });
    expect(node.events).toEqual(['start kubelet', 'restart kubelet']);
  });

  it('not when it crashes within the minute and stays down', async () => {
    const { verdict } = await prove({ at: { 24: ({ running }) => running.delete(101) } });
    expect(verdict).toMatchObject({ verified: false, reason: expect.stringContaining('the API server is not ready') });
  });

  it('not when the checkpointer has written the old certificate over the new one', async () => {
    const wanted = async () => ({
      objects: [
        {
          ...{ kind: 'Secret' as const, namespace: 'kube-system', name: 'kube-apiserver' },
          data: new Map([['ca.crt', Buffer.from('old ca')]]),
        },
      ],
    });
    const { verdict } = await prove({
      input: { wanted },
      at: {
        60: ({ host }) => host.writeFile(cachedPath('ca.crt'), Buffer.from(OLD), { mode: 0o600 }),
      },
    });
    expect(verdict).toMatchObject({ verified: false, reason: expect.stringContaining(cachedPath('ca.crt')) });
  });

  it('not when the kubelet starts another API server after its restart', async () => {
    const { verdict } = await prove({
      onKubeletStart: ({ running }) => {
        running.delete(101);
        running.set(501, podProcess(501, API_UID, 'kube-apiserver'));
      },
    });
    expect(verdict).toMatchObject({ verified: false, reason: expect.stringContaining('another API server process') });
  });

  it('not while a checkpoint answers whose manifest is gone', async () => {
    const without = healthyProcesses().filter(({ pid }) => pid !== 100 && pid !== 101);
    const { verdict } = await prove({ processes: [...without, ...copyProcesses], input: { timeoutMs: 5_000 } });
    expect(verdict).toMatchObject({
      verified: false,
      reason: expect.stringContaining('the checkpoint of the API server has not terminated yet'),
    });
  });

  it('not with another certificate than expected', async () => {
    const { verdict } = await prove({ input: { expectedSerial: async () => 'FF', timeoutMs: 5_000 } });
    expect(verdict).toMatchObject({ verified: false, reason: expect.stringContaining('serves certificate 0A') });
  });

  it('not when the checkpointer has removed every checkpoint', async () => {
    const { verdict } = await prove({
      input: { wanted: async () => ({ objects: [] }) },
      at: { 60: ({ host }) => host.remove(`${INACTIVE}/kube-system-${API}.json` as never) },
    });
    expect(verdict).toMatchObject({
      verified: false,
      reason: expect.stringContaining('no checkpoint of an API server'),
    });
  });
});
