import { createObjectChangeKinds, type ObjectAccess, ObjectError, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { type Host, hostPath, type ProcessInfo } from '@kube-rescue/host';
import { createFixedClock, objectsBeside, readObjects, stepLaws, withFaults } from '@kube-rescue/testing';
import {
  createChangeRegistry,
  hostChangeKinds,
  openRunStore,
  type Playbook,
  rollbackRun,
  runPlaybook,
} from '@kube-rescue/workflow';
import { describe, expect, it } from 'vitest';
import type { CheckpointContents } from './checkpoint-contents.ts';
import {
  API,
  API_UID,
  cachedPath,
  CHECKPOINTER,
  type CheckpointNode,
  type CheckpointNodeOptions,
  createCheckpointNode,
  DIRECTORY,
  healthyProcesses,
  INACTIVE,
  NEW,
  OLD,
  podProcess,
  readText,
} from './checkpoint-node.fixture.ts';
import { createFreezeChangeKinds } from './checkpointer-freeze.ts';
import { createCheckpointContentsStep } from './contents-step.ts';

const clock = createFixedClock('2026-11-22T10:00:00Z');
const signal = new AbortController().signal;
const CONTENTS: CheckpointContents = {
  objects: [
    {
      ...{ kind: 'Secret', namespace: 'kube-system', name: 'kube-apiserver' },
      data: new Map([
        ['apiserver.crt', Buffer.from(NEW)],
        ['etcd-client.crt', Buffer.from(NEW)],
        ['ca.crt', Buffer.from('old ca')],
        ['oidc-ca.crt', Buffer.from('not in the Secret')],
      ]),
    },
  ],
};

function stepOf(node: Pick<CheckpointNode, 'objects'>, host: Host, wanted: CheckpointContents | undefined = CONTENTS) {
  return createCheckpointContentsStep(
    {
      requires: [],
      directory: DIRECTORY,
      kubeletService: 'kubelet',
      wanted: wanted && (async () => wanted),
    },
    { host, clock, objects: node.objects },
  );
}

function playbookOf(node: Pick<CheckpointNode, 'objects'>, host: Host, wanted?: CheckpointContents): Playbook {
  const steps = async () => [stepOf(node, host, wanted)];
  return { id: 'test', title: 'test', phases: [{ id: 'checkpoint', title: 'checkpoint', steps }] };
}

function kindsOf({ objects }: Pick<CheckpointNode, 'objects'>, host: Host) {
  return [...createFreezeChangeKinds({ host, clock }), ...createObjectChangeKinds(() => objects.open(signal))];
}

async function run(node: CheckpointNode, wanted?: CheckpointContents) {
  const { host } = node;
  const kinds = createChangeRegistry([...hostChangeKinds(host), ...kindsOf(node, host)]);
  const deps = { host, clock, kinds, store: openRunStore(host), onEvent: () => undefined };
  const confirm = async () => true;
  return runPlaybook({ playbook: playbookOf(node, host, wanted), selection: {}, confirm, signal }, deps);
}

async function secretText(node: CheckpointNode, key: string): Promise<string | undefined> {
  const read = await node.store.get({ kind: RESOURCE_KINDS.Secret, namespace: 'kube-system', name: 'kube-apiserver' });
  const text = (read?.object.data as Record<string, string> | undefined)?.[key];
  return text === undefined ? undefined : Buffer.from(text, 'base64').toString();
}

describe('a change of checkpointed files', () => {
  it('changes the Secret in the cluster and its cached copy while no checkpointer runs', async () => {
    const node = await createCheckpointNode();
    expect((await run(node)).outcome).toBe('done');
    expect(await secretText(node, 'apiserver.crt')).toBe(NEW);
    expect(await readText(node.host, cachedPath('apiserver.crt'))).toBe(NEW);
    expect(await node.host.stat(cachedPath('apiserver.crt'))).toMatchObject({ mode: 0o600, uid: 65_534, gid: 0 });
    expect(node.events[0]).toBe('stop kubelet');
    expect(node.events.at(-1)).toBe('start kubelet');
    expect(node.running.has(200), 'another pod was ended').toBe(true);
    expect(new Set(node.running.keys())).toEqual(new Set([50, 200]));
  });

  it('does not wait for a process of another user that is called kubelet, nor end it', async () => {
    const fake: ProcessInfo = {
      pid: 7,
      argv: ['kubelet'],
      uid: 65_534,
      startTicks: 1,
      cgroup: '0::/\n',
      hasOtherNetwork: false,
    };
    const inPodName = { ...podProcess(8, API_UID, 'kube-apiserver'), uid: 1000 };
    const cgroup = `0::/user.slice/user-1000.slice/user@1000.service${inPodName.cgroup.slice('0::'.length)}`;
    const node = await createCheckpointNode({ processes: [...healthyProcesses(), fake, { ...inPodName, cgroup }] });
    expect((await run(node)).outcome).toBe('done');
    expect([node.running.has(7), node.running.has(8)]).toEqual([true, true]);
  });

  it('terminates containers before their sandboxes, and kills only after the grace period', async () => {
    const node = await createCheckpointNode({ stubborn: [111] });
    await run(node);
    expect(node.events.slice(1, 3)).toEqual(['kill -TERM 101 111 121', 'kill -KILL 111']);
    expect(node.events[3]).toBe('kill -KILL 100 110 120');
  });

  it('adds no key that the Secret lacks, and writes none that is up to date', async () => {
    const node = await createCheckpointNode();
    await run(node);
    expect(await secretText(node, 'oidc-ca.crt')).toBeUndefined();
    expect(await readText(node.host, cachedPath('oidc-ca.crt'))).toBeUndefined();
    const finding = await stepOf(await createCheckpointNode(), (await createCheckpointNode()).host).check(signal);
    expect(finding.changes.map(({ target }) => target)).not.toContain(cachedPath('ca.crt'));
  });

  it('freezes, changes objects, then files, and resumes, so that an interruption overwrites nothing', async () => {
    const node = await createCheckpointNode();
    const { changes } = await stepOf(node, node.host).check(signal);
    expect(changes.map(({ kind }) => kind)).toEqual([
      'checkpointer.freeze',
      'object.replace',
      'file.replace',
      'file.replace',
      // The API server's checkpoint runs until its parent has been tried.
      'file.replace',
      'checkpointer.wake',
      'checkpointer.hand-over',
    ]);
  });

  it.each(['../../../../cron.d/x', '/etc/cron.d/x', '..', '.', '..data', 'a/b', 'sub/../../x'])(
    'refuses the key %j, which etcd holds although no API server accepts it, and writes nothing',
    async (key) => {
      const node = await createCheckpointNode();
      const name = 'kube-apiserver';
      const read = await node.store.get({ kind: RESOURCE_KINDS.Secret, namespace: 'kube-system', name });
      if (read === undefined) throw new Error('no Secret');
      const data = { ...(read.object.data as object), [key]: Buffer.from('* * * * * root id').toString('base64') };
      await node.store.replace(read, { ...read.object, data });
      const step = createCheckpointContentsStep(
        { requires: [], directory: DIRECTORY, kubeletService: 'kubelet' },
        { host: node.host, clock, objects: node.objects },
      );
      const finding = await step.check(signal);
      expect(finding).toMatchObject({ status: 'unknown', changes: [], code: 'CHECKPOINT_INVALID' });
      expect(finding.summary).toContain(JSON.stringify(key));
    },
  );

  it('updates stale copies from the cluster by default', async () => {
    const node = await createCheckpointNode();
    const name = 'kube-apiserver';
    const read = await node.store.get({ kind: RESOURCE_KINDS.Secret, namespace: 'kube-system', name });
    if (read === undefined) throw new Error('no Secret');
    const data = { ...(read.object.data as object), 'apiserver.crt': Buffer.from(NEW).toString('base64') };
    await node.store.replace(read, { ...read.object, data });
    const step = createCheckpointContentsStep(
      { requires: [], directory: DIRECTORY, kubeletService: 'kubelet' },
      { host: node.host, clock, objects: node.objects },
    );
    const { changes } = await step.check(signal);
    const files = changes.filter(({ kind }) => kind.startsWith('file.')).map(({ target }) => target);
    expect(files).toEqual([cachedPath('apiserver.crt'), `${DIRECTORY}/kube-system-${API}.json`]);
  });

  it('edits both copies of a manifest, and stages neither in a watched directory', async () => {
    const api = `${INACTIVE}/kube-system-kube-apiserver-2rdtv.json`;
    const node = await createCheckpointNode();
    const edit = (source: string) => source.replace('v1.20.2', 'v1.20.15');
    const manifests = [{ namespace: 'kube-system', name: 'kube-apiserver-2rdtv', edit }];
    const { changes } = await stepOf(node, node.host, { objects: [], manifests }).check(signal);
    const activated = `${DIRECTORY}/kube-system-kube-apiserver-2rdtv.json`;
    expect(changes.filter(({ kind }) => kind === 'file.replace')).toMatchObject([
      { target: api, watched: true },
      { target: activated, watched: true },
    ]);
  });

  it('identifies a sandbox whatever its program', async () => {
    const processes = [podProcess(100, API_UID, '/bin/busybox')];
    const node = await createCheckpointNode({ processes });
    expect(await stepOf(node, node.host, { objects: [] }).check(signal)).toMatchObject({ status: 'needed' });
    node.running.set(101, podProcess(101, API_UID, 'kube-apiserver'));
    expect(await stepOf(node, node.host, { objects: [] }).check(signal)).toMatchObject({ status: 'ok' });
  });

  it('restarts a stuck API server even if every file is up to date', async () => {
    const node = await createCheckpointNode({ processes: [podProcess(100, API_UID, '/pause')] });
    const finding = await stepOf(node, node.host, { objects: [] }).check(signal);
    expect(finding).toMatchObject({
      status: 'needed',
      summary: expect.stringContaining('the checkpointer is blocked'),
    });
    await run(node, { objects: [] });
    expect(node.running.has(100)).toBe(false);
  });

  it('fails and rolls back while a kubelet outside of the service runs', async () => {
    const options: CheckpointNodeOptions = {};
    const node = await createCheckpointNode(options);
    node.running.set(51, { pid: 51, argv: ['/usr/bin/kubelet'], startTicks: 1, cgroup: '0::/\n' });
    await expect(run(node)).rejects.toMatchObject({ message: expect.stringContaining('a kubelet still runs') });
    expect(await secretText(node, 'apiserver.crt')).toBe(OLD);
    expect(await node.host.services.status('kubelet')).toBe('running');
  });

  it('stops a kubelet in a crash loop, and restarts the loop after a rollback', async () => {
    const processes = healthyProcesses().filter(({ argv }) => argv[0] !== '/usr/bin/kubelet');
    const node = await createCheckpointNode({ kubelet: 'starting', processes });
    await run(node);
    expect(node.events[0]).toBe('stop kubelet');
    const failing = await createCheckpointNode({ kubelet: 'starting', processes });
    failing.running.set(51, { pid: 51, argv: ['/usr/bin/kubelet'], startTicks: 1, cgroup: '0::/\n' });
    await expect(run(failing)).rejects.toMatchObject({ message: expect.stringContaining('a kubelet still runs') });
    expect(failing.events).toEqual(['stop kubelet', 'start kubelet']);
  });

  it('can be rolled back after a kill at every write: objects, files and a running kubelet', async () => {
    const counted = await createCheckpointNode();
    const whole = withFaults(counted.host);
    await run({ ...counted, host: whole });
    for (let failAt = 1; failAt <= whole.mutationCount; failAt += 1) {
      const node = await createCheckpointNode();
      // The kernel releases the lock of a killed process; the in-memory host does not.
      const survivor: Host = {
        ...node.host,
        acquireLock: async () => ({ isHeld: async () => true, release: async () => undefined }),
      };
      const dying = withFaults(survivor, { failAt, mode: 'killed-before' });
      await expect(run({ ...node, host: dying })).rejects.toThrow('killed');
      const kinds = createChangeRegistry([...hostChangeKinds(survivor), ...kindsOf(node, survivor)]);
      const deps = { host: survivor, clock, kinds, store: openRunStore(survivor), onEvent: () => undefined };
      for (const { id } of await deps.store.list()) {
        expect((await rollbackRun(id, deps)).notReverted, `write ${failAt}`).toEqual([]);
      }
      expect(await secretText(node, 'apiserver.crt'), `write ${failAt}`).toBe(OLD);
      expect(await readText(survivor, cachedPath('apiserver.crt')), `write ${failAt}`).toBe(OLD);
      expect(await survivor.services.status('kubelet'), `write ${failAt}`).toBe('running');
    }
  });

  it('works through the API server: started with new files, without a hand-over, then restarted', async () => {
    const isActive = async () =>
      (await node.host.list(DIRECTORY))?.includes('kube-system-kube-apiserver-2rdtv.json') === true;
    const isLocked = async () => {
      const lock = await node.host
        .acquireLock(hostPath('/var/run/lock/pod-checkpointer.lock'), 'x')
        .catch(() => undefined);
      await lock?.release();
      return lock === undefined;
    };
    const seen: string[] = [];
    const node: CheckpointNode = {
      ...(await createCheckpointNode({ processes: [] })),
      objects: {
        source: { via: 'api', search: null },
        open: async () => {
          const isUp = (await isActive()) && (await readText(node.host, cachedPath('apiserver.crt'))) === NEW;
          const isRunning = (await node.host.services.status('kubelet')) === 'running';
          const failure = { code: 'OBJECT_STORE_UNREACHABLE', message: 'refused' } as const;
          if (!isUp || !isRunning) throw new ObjectError({ ...failure, subject: 'API server', hint: 'wait' });
          return {
            ...node.store,
            replace: async (...input) => {
              seen.push((await isLocked()) ? 'written while the checkpointer is kept out' : 'written in a race');
              return node.store.replace(...input);
            },
          };
        },
      },
    };
    const finding = await stepOf(node, node.host).check(signal);
    expect(finding.changes.map(({ kind }) => kind)).toEqual([
      'checkpointer.freeze',
      'file.replace',
      'file.replace',
      'file.replace',
      'checkpointer.wake',
    ]);
    // An incomplete file in the manifest directory would be run.
    const activation = finding.changes.find(({ target }) => target.startsWith(`${DIRECTORY}/`));
    expect(activation).toMatchObject({ kind: 'file.replace', watched: true });
    const { DaemonSet, Pod } = RESOURCE_KINDS;
    const namespace = 'kube-system';
    node.store.plant(Pod, { metadata: { namespace, name: CHECKPOINTER } });
    // The pod object of the API server is gone: the checkpointer would delete the checkpoint.
    const labels = { 'k8s-app': 'kube-apiserver' };
    node.store.plant(DaemonSet, {
      ...{ apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { namespace, name: 'kube-apiserver' } },
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [] } } },
    });
    expect((await run(node)).outcome).toBe('done');
    expect(await node.store.get({ kind: Pod, namespace, name: API })).toBeDefined();
    expect(seen).toEqual(['written while the checkpointer is kept out']);
    expect(await secretText(node, 'apiserver.crt')).toBe(NEW);
    expect(node.events).toEqual(['stop kubelet', 'start kubelet', 'stop kubelet', 'start kubelet']);
    expect(await isLocked()).toBe(false);
  });

  it('fails and rolls back when the API server does not answer with its new files', async () => {
    const failure = {
      code: 'OBJECT_STORE_UNREACHABLE',
      message: 'refused',
      subject: 'API server',
      hint: 'wait',
    } as const;
    const objects: ObjectAccess = {
      source: { via: 'api', search: null },
      open: async () => {
        throw new ObjectError(failure);
      },
    };
    const node: CheckpointNode = { ...(await createCheckpointNode({ processes: [] })), objects };
    await expect(run(node)).rejects.toMatchObject({ code: 'APPLY_ROLLED_BACK' });
    expect(await readText(node.host, cachedPath('apiserver.crt'))).toBe(OLD);
    expect(await node.host.list(DIRECTORY)).toHaveLength(1);
    expect(await node.host.services.status('kubelet')).toBe('running');
  });

  it('is blocked by a missing object of the cluster, and reports it', async () => {
    const node = await createCheckpointNode();
    const data = new Map([['ca.crt', Buffer.from(NEW)]]);
    const objects = [{ kind: 'Secret' as const, namespace: 'kube-system', name: 'gone', data }];
    const finding = await stepOf(node, node.host, { objects }).check(signal);
    expect(finding).toMatchObject({ status: 'blocked', code: 'OBJECT_NOT_FOUND', subject: 'Secret kube-system/gone' });
  });
});

stepLaws('change of checkpoints', () => {
  const nodes = new WeakMap<object, CheckpointNode>();
  const nodeOf = (host: Host): CheckpointNode => {
    const node = nodes.get(host.readFile);
    if (node === undefined) throw new Error('an unknown host');
    return { ...node, objects: { ...node.objects, open: async () => objectsBeside(host, node.store) } };
  };
  return {
    clock,
    directories: [DIRECTORY, INACTIVE, cachedPath('..')].map((path) => path),
    makeHost: async () => {
      const node = await createCheckpointNode();
      // The kernel releases the lock of a killed process; the in-memory host does not.
      const host: Host = {
        ...node.host,
        acquireLock: async () => ({ isHeld: async () => true, release: async () => undefined }),
      };
      nodes.set(host.readFile, node);
      return host;
    },
    makePlaybook: (host) => playbookOf(nodeOf(host), host),
    makeKinds: (host) => kindsOf(nodeOf(host), host),
    readState: async (host) => [await readObjects(nodeOf(host).store), await host.services.status('kubelet')],
  };
});
