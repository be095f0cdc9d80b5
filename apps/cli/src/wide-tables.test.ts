import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PlantedNode, plantNode, runCli } from './cli-process.fixture.ts';
import { renderNodes } from './render/nodes.ts';
import { renderPods } from './render/pods.ts';
import { renderConditions } from './render/dns-conditions.ts';
import { renderManifests } from './render/manifests.ts';
import { renderCluster } from './render/etcd-status.ts';
import { renderRuns } from './render/runs.ts';
import { hostPath } from '@kube-rescue/host';

const SCREEN = { columns: 80, colour: false, live: false };
const WIDE = { ...SCREEN, unbounded: true, wide: true };

const RUN = {
  ...{ id: 'run-1', number: 1, playbook: 'kubeadm', command: 'recover', outcome: 'done', changes: 3, seconds: 61 },
  ...{ startedAt: '2026-11-29T20:00:01Z', endedAt: '2026-11-29T20:01:02Z', problem: null },
};
const MANIFEST = {
  ...{ component: 'etcd', namespace: 'kube-system', name: 'etcd-cp1', image: 'etcd:3.5', health: undefined },
  ...{ path: hostPath('/etc/kubernetes/manifests/etcd.yaml'), running: undefined },
};
const NODE = {
  ...{ name: 'cp1', isReadyNow: true, readiness: { status: 'True' as const }, taints: [], kubeletVersion: 'v1.37.0' },
  ...{ reportedAt: '2026-11-29T20:00:01Z', roles: ['control-plane'], problems: [] },
  client: { source: 'unknown' as const, reason: 'not read' },
};
const MEMBER = {
  ...{ id: '8e9e05c52164694d', name: 'cp1', endpoint: 'https://192.0.2.1:2379', answers: true, problem: null },
  ...{ isLeader: true, isLearner: false, isBehind: false, isUnstarted: false, lag: 0, version: '3.5.0', raftTerm: 2 },
  ...{
    peerUrls: ['https://192.0.2.1:2380'],
    clientUrls: ['https://192.0.2.1:2379'],
    raftIndex: 9,
    raftAppliedIndex: 9,
    revision: 7,
  },
  ...{ dbSize: 4096, dbSizeInUse: 2048 },
};
const CLUSTER = {
  ...{ healthy: true, hasQuorum: true, quorum: 1, members: [MEMBER], alarms: [], raftTerm: 2, dbSize: 4096 },
  ...{ consistency: 'linearizable' as const, leader: MEMBER.id },
};
const POD = {
  ...{ component: 'kube-scheduler' as const, controller: 'Deployment kube-system/kube-scheduler', pod: 'a/b' },
  ...{ node: 'cp1', ready: true, working: true, rescue: false, code: undefined, reason: undefined, hint: undefined },
};
const CONDITION = {
  ...{ id: 'zone' as const, subject: 'example.test', status: 'ok' as const, summary: 'found' },
  evidence: ['hosted zone Z1'],
};

describe('a wide table', () => {
  it.each([
    ['runs', renderRuns, [RUN], ['2026-11-29 20:01:02', 'kubeadm']],
    ['manifests', renderManifests, [MANIFEST], ['/etc/kubernetes/manifests/etcd.yaml', 'kube-system/etcd-cp1']],
    ['nodes', renderNodes, [NODE], ['control-plane', '2026-11-29 20:00:01 UTC']],
    ['pods', renderPods, { pods: [POD], missing: [] }, ['Deployment kube-system/kube-scheduler']],
    [
      ...['conditions', renderConditions],
      ...[{ conditions: [CONDITION], causes: [], healthy: true }, ['hosted zone Z1']],
    ],
  ] as const)('of %s has what the narrow one lacks', (_, render, rows, more) => {
    const [narrow, wide] = [SCREEN, WIDE].map((terminal) =>
      (render as (rows: unknown, terminal: unknown) => string)(rows, terminal),
    );
    for (const text of more) {
      expect(narrow).not.toContain(text);
      expect(wide).toContain(text);
    }
  });

  it('of etcd members has their ids, endpoints and peer URLs', () => {
    const report = { connection: null } as Parameters<typeof renderCluster>[1];
    const [narrow, wide] = [SCREEN, WIDE].map((terminal) => renderCluster(CLUSTER, report, terminal));
    for (const text of [MEMBER.id, MEMBER.endpoint, 'https://192.0.2.1:2380', '2048 bytes']) {
      expect(narrow).not.toContain(text);
      expect(wide).toContain(text);
    }
  });
});

describe('-o wide', () => {
  let node: PlantedNode;
  beforeAll(async () => {
    node = await plantNode({ algorithm: 'ecdsa', expired: ['apiserver'] });
  });
  afterAll(() => node.remove());
  const on = (...words: readonly string[]) => runCli([...words, '--root', node.root]);

  it('shows the signer of each certificate', async () => {
    const { stdout } = await on('certs', 'check', '-o', 'wide');
    expect(stdout).toMatch(/apiserver +ca\/cluster +ECDSA P-256 +CN=kube-apiserver/);
  });

  it.each([['triage'], ['plan']])('of %s is all that it knows, as --verbose', async (command) => {
    const [wide, verbose] = await Promise.all([on(command, '-o', 'wide'), on(command, '--verbose')]);
    const lines = ({ stdout }: { stdout: string }) => stdout.replaceAll(/\d\d:\d\d:\d\d/g, '').split('\n').length;
    expect(lines(wide)).toBe(lines(verbose));
  });

  it.each([[['certs', 'inspect', 'apiserver']], [['certs', 'rotate-ca', 'cluster']], [['cni', 'check']]])(
    'is the table where there is nothing more: %j',
    async (words) => {
      const [wide, table] = await Promise.all([on(...words, '-o', 'wide'), on(...words)]);
      expect(wide).toEqual(table);
    },
  );
});
