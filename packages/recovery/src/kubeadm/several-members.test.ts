import { hostPath } from '@kube-rescue/host';
import { type Node, openNode } from '@kube-rescue/node';
import { buildPki, createFakeHost, createFixedClock, expectCode, type PkiOptions, treeOf } from '@kube-rescue/testing';
import { type Plan, planPlaybook, type Playbook } from '@kube-rescue/workflow';
import { describe, expect, it } from 'vitest';
import { createRecoveryPlaybook } from './recovery.ts';
import { exportNodeCas, openReissuedCas } from './reissued-cas.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const OPTIONS = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };
const ETCD = hostPath('/etc/kubernetes/manifests/etcd.yaml');
const { signal } = new AbortController();

interface Members {
  readonly names: readonly string[];
  readonly down?: readonly string[];
  readonly hasQuorum?: boolean;
}

/** A control-plane node `node01`, whose etcd lists members that answer unless they are `down`. */
async function nodeOf(
  { names, down = [], hasQuorum = true }: Members,
  expired: PkiOptions['expired'] = ['etcd/server'],
): Promise<Node> {
  const { tree } = await buildPki({ algorithm: 'ecdsa', now: NOW, expired });
  const host = createFakeHost({
    tree: new Map([...tree, ...treeOf({ '/proc/uptime': '1000.00 1.00\n' })]),
    services: { kubelet: 'running' },
    request: ({ url }) =>
      names.includes(new URL(url).hostname) && !down.includes(new URL(url).hostname)
        ? { status: 200, body: '' }
        : undefined,
  });
  const listed = names.map((name, index) => ({
    ...{ id: String(index), name, clientUrls: [], isLearner: false },
    peerUrls: [`http://${name}:2380`],
  }));
  const client = { members: async () => listed, status: async () => ({ dbSize: 1 }), close: () => undefined };
  const etcd = (async () => ({ client, connection: { hasQuorum, endpoint: '' } })) as unknown as Node['etcd'];
  const node = openNode(OPTIONS, { host, clock: createFixedClock(NOW) });
  // The nodes of phases are made by the node itself.
  return {
    ...node,
    etcd,
    phase: (input) => node.phase({ ...input, steps: (each, ...rest) => input.steps({ ...each, etcd }, ...rest) }),
  };
}

async function plan(members: Members, expired?: PkiOptions['expired']): Promise<Plan> {
  return planOf(createRecoveryPlaybook(await nodeOf(members, expired), { isOneOfSeveral: true }));
}

function planOf(playbook: Playbook): Promise<Plan> {
  return planPlaybook(playbook, { host: 'node01', clock: { now: () => NOW }, selection: {}, signal });
}

function restartOf({ entries }: Plan) {
  const entry = entries.find(({ step }) => step === 'control-plane/restart');
  return { targets: entry?.changes.map(({ target }) => target) ?? [], evidence: entry?.finding.evidence ?? [] };
}

const THREE = ['node01', 'cp2', 'cp3'];

describe('a recovery of one of several control-plane nodes', () => {
  it('waits for a majority before locks and the API server, and for every member at the end', async () => {
    const steps = (await plan({ names: THREE })).entries.map(({ step }) => step);
    const restart = steps.indexOf('control-plane/restart');
    expect(steps.slice(restart + 1, restart + 4)).toEqual([
      'etcd/majority',
      'control-plane/leader-locks',
      'control-plane/api-stable',
    ]);
    expect(steps.at(-1)).toBe('etcd/members-answer');
  });

  it.each([
    ['all three members work', { names: THREE }, true],
    ['one of five is down', { names: [...THREE, 'cp4', 'cp5'], down: ['cp5'] }, true],
    ['no majority works: nothing is lost', { names: THREE, down: ['cp2', 'cp3'], hasQuorum: false }, true],
    ['one of three is down: this one is needed', { names: THREE, down: ['cp3'] }, false],
    ['there are two members', { names: ['node01', 'cp2'] }, false],
  ] as const)('restarts etcd only where the majority stays: %s', async (_title, members, restarts) => {
    const { targets, evidence } = restartOf(await plan(members));
    expect(targets.includes(ETCD)).toBe(restarts);
    expect(evidence.some((line) => line.startsWith('etcd is not restarted'))).toBe(!restarts);
  });

  it('says the sum where etcd is left running', async () => {
    const { evidence } = restartOf(await plan({ names: THREE, down: ['cp3'] }));
    expect(evidence).toContain(
      'etcd is not restarted, it reads new certificates at the next handshake, and a new CA at its next start: 3 members, 2 answer, restarting node01 leaves 1 of 2 needed',
    );
  });

  it('is refused with an expired CA, by the members and the reason', async () => {
    const error = await expectCode(plan({ names: THREE }, ['ca']), 'LAYOUT_UNSUPPORTED');
    expect(error.message).toContain('a CA is changed on all of them or on none');
    expect(error.message).toContain('3 of 3 members of etcd answer');
    expect(error.hint).toContain('`kube-rescue certs reissue-cas --out DIR`');
    expect(error.hint).toContain('`kube-rescue recover --cas DIR` on each');
  });

  it('installs CAs that were reissued once, and restarts what trusts them', async () => {
    const node = await nodeOf({ names: THREE }, ['ca', 'etcd/ca']);
    const files = createFakeHost();
    const path = hostPath('/cas');
    await exportNodeCas(node, { directory: path }, files);
    const reissuedSet = await openReissuedCas({ path, files }, 'kubeadm');
    const { entries } = await planOf(createRecoveryPlaybook(node, { isOneOfSeveral: true, reissuedSet }));
    const installed = entries.filter(({ step }) => step.startsWith('pki/reissue/'));
    expect(installed.map(({ step, finding }) => [step, finding.status])).toEqual([
      ['pki/reissue/cluster-ca', 'needed'],
      ['pki/reissue/etcd-ca', 'needed'],
      ['pki/reissue/front-proxy-ca', 'ok'],
    ]);
    expect(installed[0]?.finding.evidence[0]).toContain('replaced by /cas/ca.crt, with the same key and subject');
    const { targets } = restartOf({ entries } as Plan);
    expect(targets).toContain(ETCD);
    expect(targets).toContain(hostPath('/etc/kubernetes/manifests/kube-apiserver.yaml'));
  });

  it('refuses reissued CAs of another cluster before anything is planned', async () => {
    const files = createFakeHost();
    const path = hostPath('/cas');
    await exportNodeCas(await nodeOf({ names: THREE }, ['ca']), { directory: path }, files);
    const reissuedSet = await openReissuedCas({ path, files }, 'kubeadm');
    const node = await nodeOf({ names: THREE }, ['ca', 'etcd/ca']);
    const error = await expectCode(
      planOf(createRecoveryPlaybook(node, { isOneOfSeveral: true, reissuedSet })),
      'PKI_SET_UNFIT',
    );
    expect(error.message).toContain('/cas/ca.crt is of another CA');
    expect(error.message).toContain('/cas/etcd/ca.crt is missing');
    await expectCode(openReissuedCas({ path, files }, 'self-hosted'), 'LAYOUT_UNSUPPORTED');
  });

  it('reissues an expired CA where etcd has one member', async () => {
    const { entries } = await plan({ names: ['node01'] }, ['ca']);
    expect(entries.find(({ step }) => step === 'pki/reissue/cluster-ca')?.finding.status).toBe('needed');
  });
});
