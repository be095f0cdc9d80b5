import { hostPath, type ProcessInfo } from '@kube-rescue/host';
import { createFakeHost, createFixedClock, staticPodManifests, treeOf } from '@kube-rescue/testing';
import { readStaticPods } from '@kube-rescue/node-config';
import { describe, expect, it } from 'vitest';
import { endPods, findRunningPods, signalPods } from './old-pods.ts';

const DIRECTORY = hostPath('/etc/kubernetes/manifests');
const UID = 'd743502647cf77a102b6cbccf0f334c0';
const CGROUP = `0::/kubepods/burstable/pod${UID}/${'1'.repeat(64)}\n`;

/** A node where etcd runs; its process ends at the signals in `endsBy`. */
async function nodeWith(endsBy: readonly string[]) {
  let processes: readonly ProcessInfo[] = [
    { pid: 1, argv: ['/pause'], startTicks: 1, cgroup: CGROUP },
    { pid: 2, argv: ['etcd'], startTicks: 2, cgroup: CGROUP },
    // The same manifest on another node of this machine.
    { pid: 3, argv: ['etcd'], startTicks: 3, cgroup: CGROUP, hasOtherNetwork: true },
    { pid: 4, argv: ['etcd'], startTicks: 4, cgroup: '0::/user.slice\n' },
  ];
  const identity = { nodeName: 'cp1', address: '10.9.0.11', certificatesDir: hostPath('/etc/kubernetes/pki') };
  const commands: string[] = [];
  const fake = createFakeHost({
    tree: treeOf({ [`${DIRECTORY}/etcd.yaml`]: staticPodManifests(identity)['etcd.yaml'] ?? '' }),
    processes: () => processes,
    exec: (argv) => {
      commands.push(argv.join(' '));
      const [, signal = '', ...pids] = argv;
      if (endsBy.includes(signal)) processes = processes.filter(({ pid }) => !pids.includes(String(pid)));
      return { exitCode: 0, stdout: '', stderr: '' };
    },
  });
  const list: typeof fake.list = async (path) =>
    path === '/var/log/pods' ? [`kube-system_etcd-cp1_${UID}`] : fake.list(path);
  const host = { ...fake, list };
  const { pods } = await readStaticPods({ directory: DIRECTORY }, { host });
  return { host, commands, running: await findRunningPods(pods, { host }) };
}

describe('pods that no kubelet terminates', () => {
  it('get SIGTERM, but neither their sandbox nor a twin on another node of the machine', async () => {
    const { host, commands, running } = await nodeWith(['-TERM']);
    expect(running).toMatchObject([{ uids: [UID] }]);
    expect(await signalPods(running, 'TERM', { host })).toBe(true);
    await endPods(running, { host, clock: createFixedClock('2026-11-22T12:00:00Z') });
    expect(commands).toEqual(['kill -TERM 2']);
    expect(await signalPods(running, 'TERM', { host })).toBe(false);
  });

  it('are killed after 3 s', async () => {
    const { host, commands, running } = await nodeWith(['-KILL']);
    const clock = createFixedClock('2026-11-22T12:00:00Z');
    await signalPods(running, 'TERM', { host });
    await endPods(running, { host, clock });
    expect(commands).toEqual(['kill -TERM 2', 'kill -KILL 2']);
    expect(clock.now().getTime() - Date.parse('2026-11-22T12:00:00Z')).toBeGreaterThanOrEqual(3_000);
  });

  it('that resist do not fail the call', async () => {
    const { host, commands, running } = await nodeWith([]);
    await endPods(running, { host, clock: createFixedClock('2026-11-22T12:00:00Z') });
    expect(commands).toEqual(['kill -KILL 2']);
  });
});
