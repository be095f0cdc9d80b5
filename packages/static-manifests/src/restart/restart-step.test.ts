import { type Host, hostPath, type HttpAnswer, type ProcessInfo } from '@kube-rescue/host';
import { createFakeHost, createFixedClock, staticPodManifests, stepLaws, treeOf } from '@kube-rescue/testing';
import type { StepJournal } from '@kube-rescue/workflow';
import { readStaticPod } from '@kube-rescue/node-config';
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { waitForStableComponent } from '../running/component-stability.ts';
import { listManifests } from '../running/manifest-listing.ts';
import { readPodBaseline, waitForNewPod } from './pod-replacement.ts';
import { listRunningPods } from '../running/running-pod.ts';
import { planRestart } from './restart.ts';
import { createRestartStep } from './restart-step.ts';

const MANIFEST = hostPath('/etc/kubernetes/manifests/kube-apiserver.yaml');
const PODS = [{ component: 'kube-apiserver', manifest: MANIFEST }];
const LOGS = '/var/log/pods';
const VALUE = '2026-11-22T10:00:00.000Z';
const STALE_UID = 'e'.repeat(32);

interface NodeOptions {
  readonly kubelet?: boolean;
  /** Milliseconds from the change of the manifest to the end of the old pod and to the start of the new one. */
  readonly oldEndsAfterMs?: number;
  readonly newStartsAfterMs?: number;
  /** The new pod's process runs for half of each such period. */
  readonly crashEveryMs?: number;
  readonly runsBefore?: boolean;
  readonly answer?: (sinceChangeMs: number) => HttpAnswer | undefined;
  readonly others?: readonly ProcessInfo[];
  readonly files?: Readonly<Record<string, string>>;
  readonly source?: string;
}

/** A node with a simulated kubelet: the hash of the manifest is the UID of its pod. */
function createNode(options: NodeOptions = {}) {
  const clock = createFixedClock('2026-11-22T09:00:00Z');
  const source =
    options.source ??
    staticPodManifests({ nodeName: 'cp1', address: '10.0.0.10', certificatesDir: hostPath('/etc/kubernetes/pki') })[
      'kube-apiserver.yaml'
    ] ??
    '';
  const oldUid = uidOf(Buffer.from(source));
  let changedAt: number | undefined;
  const fake = createFakeHost({
    tree: treeOf({ [MANIFEST]: source, '/proc/uptime': '1000.50 3000.00\n', ...options.files }),
    request: () => (options.answer ?? (() => ok))(clock.now().getTime() - (changedAt ?? clock.now().getTime())),
  });
  const look = async () => {
    const uid = uidOf((await fake.readFile(MANIFEST)) ?? new Uint8Array());
    if (uid !== oldUid) changedAt ??= clock.now().getTime();
    const sinceMs = changedAt === undefined ? -1 : clock.now().getTime() - changedAt;
    const kubelet = options.kubelet ?? true;
    const hasNew = kubelet && uid !== oldUid && sinceMs >= (options.newStartsAfterMs ?? 2_000);
    const hasOld =
      (options.runsBefore ?? true) && (uid === oldUid || !kubelet || sinceMs < (options.oldEndsAfterMs ?? 1_500));
    return { uid, sinceMs, kubelet, hasNew, hasOld };
  };
  const host: Host = {
    ...fake,
    processes: async () => {
      const { uid, sinceMs, kubelet, hasNew, hasOld } = await look();
      const found = [...(options.others ?? [])];
      if (kubelet) found.push({ pid: 50, argv: ['/usr/bin/kubelet'], startTicks: 10, cgroup: '0::/\n' });
      if (hasOld) found.push(...podProcesses(oldUid, 100));
      if (hasNew) {
        const life = sinceMs - (options.newStartsAfterMs ?? 2_000);
        const period = options.crashEveryMs ?? Number.POSITIVE_INFINITY;
        const alive = life % period < period / 2;
        found.push(...podProcesses(uid, 200 + Math.floor(life / period)).slice(0, alive ? 2 : 1));
      }
      return found;
    },
    list: async (path) => {
      if (path !== LOGS) return fake.list(path);
      const { uid, hasNew } = await look();
      const uids = [STALE_UID, oldUid, ...(hasNew ? [uid] : [])];
      return [...new Set(uids)].map((each) => `kube-system_kube-apiserver-cp1_${each}`);
    },
  };
  const restart = async () => {
    const pod = await readStaticPod(MANIFEST, { host });
    const baseline = await readPodBaseline({ pod }, { host });
    const { change, material } = planRestart({ pod, value: VALUE });
    await host.writeFile(MANIFEST, material, { mode: change.mode, watched: true });
    return { pod, baseline };
  };
  const restartAndWait = async (timeoutMs = 60_000) =>
    waitForNewPod({ ...(await restart()), timeoutMs }, { host, clock });
  return { host, clock, fake, oldUid, restart, restartAndWait };
}

const ok: HttpAnswer = {
  status: 200,
  body: 'ok',
  peer: { serialNumber: '0A1B', fingerprint256: '', validTo: new Date(0), trusted: false, reason: undefined },
};
const uidOf = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');

function podProcesses(uid: string, pid: number, program = 'kube-apiserver'): ProcessInfo[] {
  const cgroup = (id: string) =>
    `3:memory:/kubepods/burstable/pod${uid}/${createHash('sha256').update(`${id} ${pid}`).digest('hex')}\n0::/\n`;
  return [
    { pid: pid + 1000, argv: ['/pause'], startTicks: pid, cgroup: cgroup('a') },
    { pid, argv: [program, '--secure-port=6443'], startTicks: pid + 1, cgroup: cgroup('b') },
  ];
}

describe('the wait for a restarted static pod', () => {
  it('ignores the same pod on another node of this machine', async () => {
    const manifestUid = createNode().oldUid;
    const elsewhere = podProcesses(manifestUid, 900).map((process) => ({ ...process, hasOtherNetwork: true }));
    const node = createNode({ others: elsewhere });
    expect((await node.restartAndWait()).state).toBe('replaced');
  });

  it('ends when the old pod is gone and the new one is healthy', async () => {
    const waited: string[] = [];
    const node = createNode({ answer: (since) => (since < 4_000 ? undefined : ok) });
    const replaced = await waitForNewPod(
      { ...(await node.restart()), timeoutMs: 60_000, onProgress: (what) => waited.push(what) },
      node,
    );
    expect(replaced).toMatchObject({ state: 'replaced', pod: { pid: 200 } });
    expect(replaced.elapsedMs).toBeGreaterThanOrEqual(4_000);
    expect(replaced.elapsedMs).toBeLessThan(4_500);
    expect(waited).toEqual([
      'the old kube-apiserver pod to terminate',
      'the kubelet to start the new kube-apiserver pod',
      'kube-apiserver to be healthy',
    ]);
  });

  it('ignores the old pod that still answers, and the new one while the old one runs', async () => {
    const node = createNode({ newStartsAfterMs: 1_000, oldEndsAfterMs: 9_000 });
    const { elapsedMs } = await node.restartAndWait();
    expect(elapsedMs).toBeGreaterThanOrEqual(9_000);
  });

  it('accepts an answer that hides the health, and reports it', async () => {
    const replaced = await createNode({ answer: () => ({ status: 403, body: '{}' }) }).restartAndWait();
    expect(replaced.state).toBe('replaced');
    expect(replaced.evidence.join('\n')).toContain('hides its health');
  });

  it('ignores an earlier pod that the kubelet still starts', async () => {
    const others = podProcesses(STALE_UID, 77);
    const { state, evidence } = await createNode({ runsBefore: false }).restartAndWait();
    expect(state).toBe('replaced');
    expect(evidence).toContain('no pod was running before');
    const node = createNode({ kubelet: false, runsBefore: false });
    const { pod, baseline } = await node.restart();
    const host = { ...node.host, processes: async () => others };
    expect(await waitForNewPod({ pod, baseline, timeoutMs: 1_000 }, { host, clock: node.clock })).toMatchObject({
      state: 'stuck',
      stage: 'old-pod-running',
    });
  });

  it('needs five seconds of uptime for a manifest without a probe', async () => {
    const source =
      'apiVersion: v1\nkind: Pod\nmetadata: {name: kube-apiserver, namespace: kube-system}\nspec: {containers: [{name: a, command: [kube-apiserver]}]}\n';
    const { state, elapsedMs } = await createNode({ source }).restartAndWait();
    expect([state, elapsedMs >= 7_000]).toEqual(['replaced', true]);
  });

  it('ignores the sandbox of the old pod', async () => {
    const source =
      'apiVersion: v1\nkind: Pod\nmetadata: {name: kube-apiserver, namespace: kube-system}\nspec: {hostNetwork: true, containers: [{name: a, command: [kube-apiserver], livenessProbe: {httpGet: {port: 1}}}]}\n';
    const sandbox = podProcesses(uidOf(Buffer.from(source)), 90).slice(0, 1);
    expect(await createNode({ source, others: sandbox }).restartAndWait()).toMatchObject({ state: 'replaced' });
  });

  it('stops when it is interrupted', async () => {
    const node = createNode({ answer: (): undefined => undefined });
    const aborted = AbortSignal.abort(new Error('interrupted'));
    await expect(
      waitForNewPod({ ...(await node.restart()), timeoutMs: 60_000, signal: aborted }, node),
    ).rejects.toThrow('interrupted');
  });
});

describe('a timeout reports where the restart is stuck', () => {
  it.each([
    [
      'the kubelet is off and nothing runs',
      { kubelet: false, runsBefore: false },
      'not-picked-up',
      'no kubelet is running',
    ],
    ['the kubelet is off and the old pod runs', { kubelet: false }, 'old-pod-running', 'no kubelet is running'],
    [
      'the kubelet ignores the manifest',
      { newStartsAfterMs: 1e9, oldEndsAfterMs: 1e9 },
      'old-pod-running',
      'is still running',
    ],
    ['the kubelet starts nothing', { newStartsAfterMs: 1e9 }, 'not-picked-up', 'no new kube-apiserver pod appeared'],
    [
      'the new pod crashes repeatedly',
      { crashEveryMs: 4_000, answer: (): undefined => undefined },
      'crash-looping',
      'it started 15 time(s)',
    ],
    [
      'the new pod is ill',
      { answer: () => ({ status: 500, body: '[-]etcd failed: reason withheld\nmore' }) },
      'not-healthy',
      'not healthy',
    ],
  ] as const)('%s', async (_, options, stage, reason) => {
    const stuck = await createNode(options).restartAndWait();
    expect(stuck).toMatchObject({
      state: 'stuck',
      stage,
      reason: expect.stringContaining(reason),
      hint: expect.stringMatching(/\w/),
    });
  });

  it('with the last answer and the last lines of its log, without secrets and escape sequences', async () => {
    const node = createNode({ answer: () => ({ status: 500, body: '[-]etcd failed\nmore' }) });
    const { pod, baseline } = await node.restart();
    const newUid = uidOf((await node.host.readFile(MANIFEST)) ?? new Uint8Array());
    const folder = `${LOGS}/kube-system_kube-apiserver-cp1_${newUid}/kube-apiserver`;
    const line = (text: string) => `2026-11-22T10:00:00.1Z stderr F ${text}\n`;
    const write = async (name: string, text: string) => {
      await node.host.makeDirectory(hostPath(folder), { mode: 0o755 });
      await node.host.writeFile(hostPath(`${folder}/${name}`), Buffer.from(text), { mode: 0o640 });
    };
    await write('9.log', line('an earlier life'));
    await write(
      '10.log',
      [1, 2, 3, 4].map((n) => line(`line ${n}`)).join('') + line('token: s3cr3t-value') + line('\u001b[31mred'),
    );
    const stuck = await waitForNewPod({ pod, baseline, timeoutMs: 10_000 }, node);
    const text = stuck.evidence.join('\n');
    expect(text).toContain('https://10.0.0.10:6443/readyz answers 500: [-]etcd failed');
    expect(text).toContain('log: line 4');
    expect(text).toContain('log: \\x1b[31mred');
    for (const absent of ['s3cr3t', 'earlier', 'line 1', '\u001b']) expect(text).not.toContain(absent);
  });
});

describe('pods are found in /proc', () => {
  it('only those of this node and this manifest', async () => {
    const node = createNode({
      others: [
        ...podProcesses('f'.repeat(32), 300),
        ...podProcesses(STALE_UID, 400, 'etcd'),
        { pid: 500, argv: ['kube-apiserver'], startTicks: 500, cgroup: '0::/user.slice\n' },
      ],
    });
    const pod = await readStaticPod(MANIFEST, { host: node.host });
    expect((await listRunningPods(pod, node)).map(({ pid, podUid }) => [pid, podUid])).toEqual([[100, node.oldUid]]);
  });

  it('and are listed with their start and their health', async () => {
    const node = createNode();
    const pod = await readStaticPod(MANIFEST, node);
    expect(await listManifests({ pods: [pod] }, node)).toMatchObject([
      {
        component: 'kube-apiserver',
        name: 'kube-apiserver',
        running: { pid: 100, since: new Date('2026-11-22T08:43:20.510Z') },
        health: { state: 'healthy' },
      },
    ]);
    const dead = createNode({ runsBefore: false });
    expect(await listManifests({ pods: [pod] }, dead)).toMatchObject([{ running: undefined, health: undefined }]);
  });
});

describe('a component is stable', () => {
  const wait = async (options: NodeOptions, expectedSerial?: string) => {
    const node = createNode(options);
    const { pod } = await node.restart();
    return waitForStableComponent({ pod, windowMs: 3_000, intervalMs: 500, timeoutMs: 30_000, expectedSerial }, node);
  };

  it('after a whole window of good answers from one process with the expected certificate', async () => {
    expect(await wait({ oldEndsAfterMs: 0 }, '00:0a:1b')).toMatchObject({
      state: 'stable',
      pod: { pid: 200 },
      answers: 7,
    });
  });

  it('not with another certificate', async () => {
    const outcome = await wait({ oldEndsAfterMs: 0 }, 'FFFF');
    expect(outcome).toMatchObject({
      state: 'unstable',
      reason: expect.stringContaining('it serves certificate 0A1B, not FFFF'),
    });
  });

  it('not while its process changes, even with good answers', async () => {
    expect(await wait({ crashEveryMs: 4_000 })).toMatchObject({ state: 'unstable' });
  });

  it('not while one process replaces another without a gap', async () => {
    const node = createNode({ oldEndsAfterMs: 0 });
    const { pod } = await node.restart();
    const uid = uidOf((await node.host.readFile(MANIFEST)) ?? new Uint8Array());
    const list = async () => [`kube-system_kube-apiserver-cp1_${uid}`];
    const processes = async () => podProcesses(uid, 600 + (Math.floor(node.clock.now().getTime() / 2_000) % 100));
    const outcome = await waitForStableComponent(
      { pod, windowMs: 3_000, intervalMs: 500, timeoutMs: 30_000 },
      { host: { ...node.host, list, processes }, clock: node.clock },
    );
    expect(outcome).toMatchObject({ state: 'unstable', reason: expect.stringContaining('was replaced by') });
  });

  it('not while one answer in a window is bad', async () => {
    const answer = (since: number) => (since % 2_500 < 500 ? { status: 500, body: 'ill' } : ok);
    expect(await wait({ answer })).toMatchObject({
      state: 'unstable',
      evidence: [expect.stringMatching(/^[1-9]\d* interruption/), expect.stringContaining('500: ill')],
    });
  });
});

describe('the step that restarts one pod', () => {
  const signal = new AbortController().signal;
  const stepOf = ({ host, clock }: Pick<ReturnType<typeof createNode>, 'host' | 'clock'>, value = VALUE) =>
    createRestartStep({ pods: PODS, value, timeoutMs: 60_000, kubeletService: 'kubelet' }, { host, clock });

  it('changes one annotation and proves that another pod runs', async () => {
    const node = createNode();
    const step = stepOf(node);
    const finding = await step.check(signal);
    const changes = step.plan(finding);
    expect([step.id, finding.status]).toEqual(['static-pod/restart/kube-apiserver', 'needed']);
    expect(finding.restarts).toEqual(['kube-apiserver']);
    expect(changes).toMatchObject([
      {
        kind: 'file.replace',
        target: MANIFEST,
        mode: 0o644,
        watched: true,
        after: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    ]);
    const journal: StepJournal = {
      perform: async (edits) => {
        for (const { material } of edits)
          await node.host.writeFile(MANIFEST, material ?? new Uint8Array(), { mode: 0o644, watched: true });
      },
      waitingFor: () => undefined,
    };
    await step.apply(changes, journal, signal);
    expect(await step.verify(signal)).toMatchObject({ verified: true });
    expect((await step.check(signal)).status).toBe('ok');
  });

  it('distinguishes old and new pod by the start of their logs in a resumed run', async () => {
    const node = createNode({ kubelet: false });
    await node.restart();
    const host: Host = {
      ...node.host,
      stat: async (path) => {
        const stat = path.startsWith(LOGS)
          ? ({ kind: 'directory', mode: 0o755, uid: 0, gid: 0, size: 0 } as const)
          : await node.host.stat(path);
        return stat && { ...stat, modifiedAt: new Date(path.startsWith(LOGS) ? 1_000 : 2_000) };
      },
    };
    expect(await stepOf({ host, clock: node.clock }).verify(signal)).toMatchObject({
      verified: false,
      reason: expect.stringContaining('no kubelet is running'),
    });
  });

  it.each([
    ['a missing manifest', {}, 'MANIFEST_NOT_FOUND'],
    ['a malformed one', { [MANIFEST]: 'kind: [' }, 'MANIFEST_INVALID'],
    [
      'one with its own UID',
      { [MANIFEST]: 'apiVersion: v1\nkind: Pod\nmetadata: {name: a, uid: b}\nspec: {containers: [{name: a}]}\n' },
      'MANIFEST_UNEDITABLE',
    ],
  ])('is blocked by %s and says how to go on', async (_, files, code) => {
    const host = createFakeHost({ tree: treeOf(files) });
    const finding = await stepOf({ host, clock: createFixedClock(VALUE) }).check(signal);
    expect(finding).toMatchObject({ status: 'blocked', code, subject: MANIFEST, hint: expect.stringMatching(/\w/) });
  });

  it('is blocked by a link, and on a copy of a node', async () => {
    const source = 'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a}]}\n';
    const node = createNode({ files: { '/srv/kube-apiserver.yaml': source } });
    await node.fake.writeLink(MANIFEST, '/srv/kube-apiserver.yaml');
    expect(await stepOf(node).check(signal)).toMatchObject({ status: 'blocked', code: 'MANIFEST_UNEDITABLE' });
    const copy: Host = { ...createNode().host, kind: 'copy' };
    expect(await stepOf({ host: copy, clock: node.clock }).check(signal)).toMatchObject({
      status: 'blocked',
      code: 'HOST_UNSUPPORTED',
    });
  });
});

stepLaws('restart of a static pod', () => {
  const nodes = new Map<Host, ReturnType<typeof createNode>>();
  const clock = createFixedClock(VALUE);
  return {
    makeHost: async () => {
      const node = createNode();
      nodes.set(node.host, node);
      return node.host;
    },
    makePlaybook: (host) => ({
      id: 'restart',
      title: 'restart',
      phases: [
        {
          id: 'restart',
          title: 'restart',
          steps: async () => [
            createRestartStep(
              { pods: PODS, value: VALUE, timeoutMs: 60_000, kubeletService: 'kubelet' },
              { host, clock: nodes.get(host)?.clock ?? [...nodes.values()].at(-1)?.clock ?? clock },
            ),
          ],
        },
      ],
    }),
    clock,
    directories: [hostPath('/etc')],
  };
});
