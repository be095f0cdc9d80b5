import { type Host, hostPath, type HttpAnswer, type ProcessInfo } from '@kube-rescue/host';
import { createFakeHost, createFixedClock, staticPodManifests, treeOf } from '@kube-rescue/testing';
import { readStaticPods } from '@kube-rescue/node-config';
import { expect, it } from 'vitest';
import { readBystanders, waitForBystanders } from './bystanders.ts';

const DIRECTORY = hostPath('/etc/kubernetes/manifests');
const UID = 'd743502647cf77a102b6cbccf0f334c0';
const CGROUP = `0::/kubepods/burstable/pod${UID}/${'1'.repeat(64)}\n`;
const IDENTITY = { nodeName: 'cp1', address: '10.9.0.11', certificatesDir: hostPath('/etc/kubernetes/pki') };

/** A node whose scheduler has the pid that `pidAt` tells, by the milliseconds since the start. */
async function nodeWith(
  pidAt: (sinceMs: number) => number | undefined,
  answer: () => HttpAnswer | undefined = () => ok,
) {
  const clock = createFixedClock('2026-11-29T12:00:00Z');
  const start = clock.now().getTime();
  const fake = createFakeHost({
    tree: treeOf({ [`${DIRECTORY}/kube-scheduler.yaml`]: staticPodManifests(IDENTITY)['kube-scheduler.yaml'] ?? '' }),
    processes: (): readonly ProcessInfo[] => {
      const pid = pidAt(clock.now().getTime() - start);
      return pid === undefined ? [] : [{ pid, argv: ['kube-scheduler'], startTicks: pid, cgroup: CGROUP }];
    },
    request: answer,
  });
  const list: Host['list'] = async (path) =>
    path === '/var/log/pods' ? [`kube-system_kube-scheduler-cp1_${UID}`] : fake.list(path);
  const host: Host = { ...fake, list };
  const { pods } = await readStaticPods({ directory: DIRECTORY }, { host });
  const wait = async (timeoutMs = 60_000) => {
    const bystanders = await readBystanders(pods, { host });
    const told: string[] = [];
    const { signal } = new AbortController();
    await clock.sleep(1);
    const input = { bystanders, timeoutMs, signal, onProgress: (what: string) => told.push(what) };
    return { bystanders, verdict: await waitForBystanders(input, { host, clock }), told };
  };
  return { wait };
}

const ok: HttpAnswer = { status: 200, body: 'ok' };

it('a controller that runs on is not waited for', async () => {
  const { wait } = await nodeWith(() => 7);
  expect(await wait()).toMatchObject({ verdict: { verified: true, evidence: [] }, told: [] });
});

it('a controller that has ended is waited for until it runs again', async () => {
  const { wait } = await nodeWith((since) => (since === 0 ? 7 : since < 11_000 ? undefined : 8));
  expect(await wait()).toMatchObject({
    verdict: { verified: true, evidence: ['kube-scheduler ended meanwhile and runs again: process 8'] },
    told: ['kube-scheduler to run again'],
  });
});

it('a controller that does not come back is reported', async () => {
  const { wait } = await nodeWith((since) => (since === 0 ? 7 : undefined));
  expect((await wait(20_000)).verdict).toMatchObject({
    verified: false,
    reason: expect.stringContaining('kube-scheduler'),
  });
});

it('a controller that was not healthy before is not waited for', async () => {
  const { wait } = await nodeWith(
    () => 7,
    () => ({ status: 500, body: 'ill' }),
  );
  expect((await wait()).bystanders).toEqual([]);
});
