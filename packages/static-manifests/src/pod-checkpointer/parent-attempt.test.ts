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
  INACTIVE,
  NEW,
  podProcess,
} from './checkpoint-node.fixture.ts';
import { createFreezeChangeKinds } from './checkpointer-freeze.ts';
import { createCheckpointContentsStep } from './contents-step.ts';

const ACTIVE = hostPath(`${DIRECTORY}/kube-system-${API}.json`);
const LOCK = hostPath('/var/run/lock/pod-checkpointer.lock');
const signal = new AbortController().signal;

interface Held {
  /** From the start of the kubelet to the release of the checkpointers' lock. */
  readonly ms: number;
  /** At the release: the manifest of the API server is among the static pods. */
  readonly isActive: boolean;
  readonly node: CheckpointNode;
}

/** Changes the checkpointed files; `happens` happens `afterMs` after the start of the kubelet. */
async function changeFiles(afterMs: number, happens: (node: CheckpointNode) => Promise<void>): Promise<Held> {
  const fixed = createFixedClock('2026-11-22T10:00:00Z');
  let kubeletStart = Infinity;
  let isDone = false;
  let released = Infinity;
  let isActive = false;
  const node = await createCheckpointNode({
    onKubeletStart: ({ running }) => {
      kubeletStart = fixed.now().getTime();
      running.set(300, podProcess(300, API_UID, '/pause'));
      running.set(310, podProcess(310, API_COPY_UID, '/pause'));
      running.set(311, podProcess(311, API_COPY_UID, 'kube-apiserver'));
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
          if (isCheckpointers) isActive = (await host.stat(ACTIVE)) !== undefined;
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
  return { ms: released - kubeletStart, isActive, node };
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
  ])('comes when the kubelet has tried the parent: %s', async (_, tries) => {
    const { ms, isActive, node } = await changeFiles(20_000, tries);
    expect(ms).toBeGreaterThanOrEqual(20_000);
    expect(ms).toBeLessThan(22_000);
    expect(isActive, 'the checkpoint would keep the port').toBe(false);
    expect(node.events.at(-1)).toBe('kill -TERM 311');
    expect(await node.host.stat(hostPath(`${INACTIVE}/kube-system-${API}.json`))).toBeDefined();
  });

  it('is left to the checkpointer after 60 s', async () => {
    const { ms, isActive, node } = await changeFiles(Infinity, async () => undefined);
    expect(ms).toBeGreaterThanOrEqual(60_000);
    expect(ms).toBeLessThan(62_000);
    expect(isActive).toBe(true);
    expect(node.running.has(311)).toBe(true);
  });

  it("does not take the parent's sandbox, nor the checkpoint's container, for an attempt", async () => {
    const copy = `kube-system_${API}-cp1_${API_COPY_UID}`;
    const { ms } = await changeFiles(5_000, async ({ host, running }) => {
      await host.writeFile(hostPath(`/var/log/pods/${copy}/container/1.log`), new Uint8Array(), { mode: 0o600 });
      running.set(312, podProcess(312, API_COPY_UID, 'kube-apiserver'));
    });
    expect(ms).toBeGreaterThanOrEqual(60_000);
  });
});
