import path from 'node:path';
import { createObjectChangeKinds, type ObjectAccess, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import {
  createLocalHost,
  type Host,
  hostPath,
  type ProcessInfo,
  type ServiceState,
  systemClock,
} from '@kube-rescue/host';
import { createCheckpointContentsStep, createFreezeChangeKinds } from '@kube-rescue/static-manifests';
import { createFakeObjectStore } from '@kube-rescue/testing';
import { createChangeRegistry, hostChangeKinds, openRunStore, runPlaybook } from '@kube-rescue/workflow';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CheckpointedNode } from '../packages/lab/src/programs/pod-checkpointer/checkpointed-node.fixture.ts';
import { apiServerPod, checkpointerPod } from '../packages/lab/src/programs/pod-checkpointer/parent-pods.fixture.ts';
import { FakeCtr } from '../packages/lab/src/programs/pod-checkpointer/fake-ctr.fixture.ts';
import { RunningProgram } from '../packages/lab/src/programs/program.fixture.ts';

const POD = 'pod-checkpointer-8jms9';
const POD_UID = '325805ad-0000-4000-8000-000000000002';
const SECRET = 'checkpoint-secrets/kube-system/kube-apiserver-2rdtv/kube-apiserver';
const signal = new AbortController().signal;
const clock = systemClock;

// It changes the owner of files, which needs root.
describe.skipIf(process.getuid?.() !== 0)('a running pod checkpointer', () => {
  let node: CheckpointedNode;
  let instances: RunningProgram[];
  let start: () => RunningProgram;

  beforeEach(async () => {
    node = await CheckpointedNode.create();
    // The path of the lock is in the checkpointer's command.
    const own = checkpointerPod();
    const command = ['/checkpoint', `--lock-file=${node.path('lock/pod-checkpointer.lock')}`];
    const containers = [{ name: 'pod-checkpointer', command }];
    const pods = [apiServerPod(), { ...own, spec: { ...own.spec, containers } }];
    node.kubeletPods = pods;
    node.setApiPods(pods);
    const ctr = await FakeCtr.install(node.path('bin'));
    await ctr.setTasks({ a1: { status: 'RUNNING', pod: 'kube-system/kube-apiserver-2rdtv' } });
    instances = [];
    start = () => {
      const args = [
        `--lock-file=${node.path('lock/pod-checkpointer.lock')}`,
        `--kubeconfig=${node.path('kubeconfig')}`,
        '--container-runtime-endpoint=unix:///run/c.sock',
        `--kubernetes-dir=${node.directory}`,
        `--kubelet-url=${node.kubeletUrl}`,
        '-v=4',
      ];
      const PATH = `${ctr.directory}${path.delimiter}${process.env['PATH'] ?? ''}`;
      const environment = { NODE_NAME: 'cp1', POD_NAME: POD, POD_NAMESPACE: 'kube-system', PATH };
      const instance = new RunningProgram('pod-checkpointer/main.ts', args, environment);
      instances.push(instance);
      return instance;
    };
  });

  afterEach(async () => {
    for (const instance of instances) await instance.stop('SIGKILL');
    await node.dispose();
  });

  it('is stopped, locked out while Secret and files change, and reads the new ones afterwards', async () => {
    const first = start();
    await first.saying(
      /manifest\.go:80\] Writing manifest for "kube-system\/pod-checkpointer-8jms9" to ".*\/manifests/,
    );
    const texts = { 'ca.crt': 'new ca', 'etcd-client.crt': 'new client' };
    const store = createFakeObjectStore();
    const encode = (text: string) => Buffer.from(text).toString('base64');
    store.plant(RESOURCE_KINDS.Secret, {
      metadata: { namespace: 'kube-system', name: 'kube-apiserver' },
      data: { 'ca.crt': encode('old ca'), 'etcd-client.crt': encode('old client') },
    });
    let second: RunningProgram | undefined;
    const objects: ObjectAccess = {
      source: { via: 'etcd', search: null },
      open: async () => ({
        ...store,
        replace: async (...input) => {
          const written = await store.replace(...input);
          node.setSecret('kube-apiserver', texts);
          // A second checkpointer starts in spite of the freeze.
          second = start();
          await second.saying(/main\.go:53\] Trying to acquire the flock/);
          await clock.sleep(6_000);
          expect(await node.read(`${SECRET}/etcd-client.crt`)).toBe('old client');
          return written;
        },
      }),
    };
    const host = hostOf(node);
    const step = createCheckpointContentsStep(
      {
        requires: [],
        directory: hostPath(node.path('manifests')),
        kubeletService: 'kubelet',
        wanted: async () => ({
          objects: [
            {
              ...{ kind: 'Secret', namespace: 'kube-system', name: 'kube-apiserver' },
              data: new Map(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text)])),
            },
          ],
        }),
      },
      { host, clock, objects },
    );
    const kinds = createChangeRegistry([
      ...hostChangeKinds(host),
      ...createObjectChangeKinds(() => objects.open(signal)),
      ...createFreezeChangeKinds({ host, clock }),
    ]);
    const runs = openRunStore(host, hostPath(node.path('kube-rescue/runs')));
    const playbook = {
      ...{ id: 'test', title: 'test' },
      phases: [{ id: 'checkpoint', title: 'checkpoint', steps: async () => [step] }],
    };
    const input = { playbook, selection: {}, confirm: async () => true, signal };
    const { outcome } = await runPlaybook(input, { host, clock, kinds, store: runs, onEvent: () => undefined });
    expect(outcome).toBe('done');
    expect(await node.read(`${SECRET}/etcd-client.crt`)).toBe('new client');
    expect(await node.statOf(`${SECRET}/etcd-client.crt`)).toBe('0600 65534:0');
    await second?.saying(/main\.go:58\] Starting checkpointer/);
    await second?.saying(
      /manifest\.go:77\] Checkpoint manifest for "kube-system\/kube-apiserver-2rdtv" already exists/,
    );
    await clock.sleep(500);
    expect(await node.read(`${SECRET}/etcd-client.crt`)).toBe('new client');
  });
});

/** This machine, with the programs as the only containers, in the checkpointer's pod. */
function hostOf(node: CheckpointedNode): Host {
  const local = createLocalHost();
  let kubelet: ServiceState = 'running';
  const cgroup = `0::/kubepods/pod${POD_UID}/${'c'.repeat(64)}\n`;
  return {
    ...local,
    services: {
      status: async () => kubelet,
      act: async (action) => {
        kubelet = action === 'stop' ? 'stopped' : 'running';
      },
    },
    processes: async () => {
      const all: readonly ProcessInfo[] = await local.processes();
      const own = all.filter(({ argv }) => argv.includes(`--kubernetes-dir=${node.directory}`));
      return own.map((each) => ({ ...each, cgroup }));
    },
    list: async (directory) =>
      directory === '/var/log/pods' ? [`kube-system_${POD}_${POD_UID}`] : local.list(directory),
  };
}
