import { readFile } from 'node:fs/promises';
import { createLocalHost, systemClock } from '@kube-rescue/host';
import {
  type Cluster,
  createCluster,
  expireCertificates,
  KUBERNETES_RELEASES,
  type KubernetesBinaries,
  listLabTraces,
  proveDeath,
  proveLife,
  provideKubernetesBinaries,
  removeLabTraces,
  snapshotFiles,
} from '@kube-rescue/lab';
import { beforeAll, describe, expect, it } from 'vitest';
import { KUBERNETES } from '../../apps/drill/src/scenarios.ts';
import { locateBinaries } from '../../apps/drill/src/wiring.ts';

const RELEASE = KUBERNETES_RELEASES['1.20'];

const deps = { host: createLocalHost(), clock: systemClock };
const owner = { ownerPid: process.pid };

let binaries: KubernetesBinaries;

beforeAll(async () => {
  // Later files run side by side, and find it.
  await provideKubernetesBinaries(
    { ...locateBinaries(process.env), release: KUBERNETES_RELEASES[KUBERNETES[0]] },
    deps,
  );
  binaries = await provideKubernetesBinaries({ ...locateBinaries(process.env), release: RELEASE }, deps);
  await removeLabTraces({ kept: false }, deps);
});

/** The ids of all labs on the machine, of any owner. */
async function labs(): Promise<ReadonlySet<string>> {
  return new Set((await listLabTraces(deps)).map(({ labId }) => labId));
}

/** The state of the machine that labs change; `undefined` while another lab exists. */
async function machineState(): Promise<readonly string[] | undefined> {
  if ((await labs()).size > 0) return undefined;
  const settings = ['vm/overcommit_memory', 'kernel/panic', 'kernel/panic_on_oops', 'fs/inotify/max_user_instances'];
  const values = await Promise.all(settings.map((name) => readFile(`/proc/sys/${name}`, 'utf8')));
  const directories = '/etc /etc/cni /opt /run/netns /usr/libexec /var/lib /var/log /sys/fs/cgroup/pids';
  const listing = await deps.host.exec(['sh', '-c', `ls -d ${directories.replaceAll(' ', '/* ')}/* | sort`], {
    timeoutMs: 10_000,
  });
  const links = await deps.host.exec(['ip', '-brief', 'link'], { timeoutMs: 10_000 });
  return [...values, listing.stdout, links.stdout, await readFile('/proc/mounts', 'utf8')];
}

/** The last lab restores the machine, so the state is not compared while another lab exists. */
async function expectAsBefore(before: readonly string[] | undefined): Promise<void> {
  const after = await machineState();
  if (before !== undefined && after !== undefined) expect(after).toEqual(before);
}

describe('a lab cluster', () => {
  it('works, goes down when its certificates expire, and is removed without a trace', async () => {
    const before = await machineState();
    const cluster: Cluster = await createCluster({ release: RELEASE, binaries: binaries.directory, ...owner }, deps);
    try {
      expect((await proveLife(cluster, { since: new Date(0) }, deps)).filter(({ ok }) => !ok)).toEqual([]);
      const intact = await snapshotFiles(cluster, deps);
      await expireCertificates(cluster, deps);
      expect((await proveDeath(cluster, deps)).filter(({ ok }) => !ok)).toEqual([]);

      // Only eleven files are changed: no key, no CA, no mode or owner.
      const broken = await snapshotFiles(cluster, deps);
      expect(Object.keys(broken)).toEqual(Object.keys(intact));
      const changed = Object.keys(broken).filter((path) => broken[path] !== intact[path]);
      expect(changed).toHaveLength(11);
      expect(changed.filter((path) => /\.key$|ca\.crt$|\/manifests\//.test(path))).toEqual([]);
      const withoutDigest = (text = ''): string => text.replace(/ [0-9a-f]{64}$/, '');
      for (const path of changed) expect(withoutDigest(broken[path])).toBe(withoutDigest(intact[path]));
    } finally {
      await cluster.remove();
    }
    await cluster.remove();
    expect(await labs()).not.toContain(cluster.id);
    await expectAsBefore(before);
  });

  it('that is aborted during its start leaves nothing behind', async () => {
    const before = await machineState();
    const interruption = new AbortController();
    let id: string | undefined;
    const onProgress = ({ message }: { message: string }): void => {
      id ??= /^lab ([0-9a-f]{6}):/.exec(message)?.[1];
      if (message.includes('making certificates')) setTimeout(() => interruption.abort(), 700);
    };
    const creation = createCluster(
      { release: RELEASE, binaries: binaries.directory, ...owner },
      { ...deps, onProgress, signal: interruption.signal },
    );
    await expect(creation).rejects.toThrow(/abort/);
    expect(id).toBeDefined();
    expect(await labs()).not.toContain(id);
    await expectAsBefore(before);
  });

  it('is not removed with the traces of other labs while its owner runs', async () => {
    const cluster = await createCluster({ release: RELEASE, binaries: binaries.directory, ...owner }, deps);
    try {
      expect(await removeLabTraces({ kept: true }, deps)).not.toContain(cluster.id);
      const own = (await listLabTraces(deps)).filter(({ labId }) => labId === cluster.id);
      const kinds = new Set(own.map(({ kind }) => kind));
      expect([...kinds].toSorted()).toEqual(['cgroup', 'directory', 'mount', 'netns', 'process']);
    } finally {
      await cluster.remove();
    }
  });
});
