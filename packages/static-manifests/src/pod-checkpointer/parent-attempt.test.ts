import { createObjectChangeKinds } from '@kube-rescue/cluster-objects';
import { hostPath } from '@kube-rescue/host';
import { createFixedClock } from '@kube-rescue/testing';
import { createChangeRegistry, hostChangeKinds, openRunStore, runPlaybook } from '@kube-rescue/workflow';
import { describe, expect, it } from 'vitest';
import {
  API,
  API_COPY_UID,
  API_UID,
  type CheckpointNode,
  createCheckpointNode,
  DIRECTORY,
  NEW,
  podProcess,
} from './checkpoint-node.fixture.ts';
import { createFreezeChangeKinds } from './checkpointer-freeze.ts';
import { createCheckpointContentsStep } from './contents-step.ts';

const LOCK = hostPath('/var/run/lock/pod-checkpointer.lock');
const signal = new AbortController().signal;

/** Lets `happens` happen `afterMs` after the start of the kubelet; returns how long after it the checkpointers' lock was released. */
async function heldFor(afterMs: number, happens: (node: CheckpointNode) => Promise<void>): Promise<number> {
  const fixed = createFixedClock('2026-11-22T10:00:00Z');
  let kubeletStart = Infinity;
  let isDone = false;
  let released = Infinity;
  const node = await createCheckpointNode({
    onKubeletStart: ({ running }) => {
      kubeletStart = fixed.now().getTime();
      running.set(300, podProcess(300, API_UID, '/pause'));
    },
  });
  const clock = {
    ...fixed,
    sleep: async (ms: number) => {
      await fixed.sleep(ms);
      if (isDone || fixed.now().getTime() - kubeletStart < afterMs) return;
      isDone = true;
      await happens(node);
    },
  };
  const host = {
    ...node.host,
    acquireLock: async (...input: Parameters<typeof node.host.acquireLock>) => {
      const lock = await node.host.acquireLock(...input);
      const isCheckpointers = input[0] === LOCK;
      return {
        ...lock,
        release: async () => {
          if (isCheckpointers) released = fixed.now().getTime();
          await lock.release();
        },
      };
    },
  };
  const data = new Map([['apiserver.crt', Buffer.from(NEW)]]);
  const objects = [{ kind: 'Secret' as const, namespace: 'kube-system', name: 'kube-apiserver', data }];
  const step = createCheckpointContentsStep(
    { requires: [], directory: DIRECTORY, kubeletService: 'kubelet', wanted: async () => ({ objects }) },
    { host, clock, objects: node.objects },
  );
  const kinds = createChangeRegistry([
    ...hostChangeKinds(host),
    ...createFreezeChangeKinds({ host, clock }),
    ...createObjectChangeKinds(() => node.objects.open(signal)),
  ]);
  const playbook = {
    ...{ id: 'test', title: 'test' },
    phases: [{ id: 'checkpoint', title: 'checkpoint', steps: async () => [step] }],
  };
  const deps = { host, clock, kinds, store: openRunStore(host), onEvent: () => undefined };
  await runPlaybook({ playbook, selection: {}, confirm: async () => true, signal }, deps);
  return released - kubeletStart;
}

describe('the hand-over of a checkpoint to its parent', () => {
  it.each([
    [
      'its container has a log',
      async ({ host }: CheckpointNode) => {
        await host.writeFile(
          hostPath(`/var/log/pods/kube-system_${API}_${API_UID}/container/1.log`),
          new Uint8Array(),
          {
            mode: 0o600,
          },
        );
      },
    ],
    [
      'its container runs, with a log of an earlier one',
      async ({ running }: CheckpointNode) => void running.set(301, podProcess(301, API_UID, 'kube-apiserver')),
    ],
  ])('waits until the kubelet has tried the parent: %s', async (_, tries) => {
    const ms = await heldFor(20_000, tries);
    expect(ms).toBeGreaterThanOrEqual(20_000);
    expect(ms).toBeLessThan(21_000);
  });

  it('waits for 60 s at most', async () => {
    const ms = await heldFor(Infinity, async () => undefined);
    expect(ms).toBeGreaterThanOrEqual(60_000);
    expect(ms).toBeLessThan(61_000);
  });

  it("does not take the parent's sandbox, nor the checkpoint's container, for an attempt", async () => {
    const copy = `kube-system_${API}-cp1_${API_COPY_UID}`;
    const ms = await heldFor(5_000, async ({ host, running }) => {
      await host.writeFile(hostPath(`/var/log/pods/${copy}/container/1.log`), new Uint8Array(), { mode: 0o600 });
      running.set(302, podProcess(302, API_COPY_UID, 'kube-apiserver'));
    });
    expect(ms).toBeGreaterThanOrEqual(60_000);
  });
});
