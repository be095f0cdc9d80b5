import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { checkCertificates, triageNode } from '@kube-rescue/diagnosis';
import { createLocalHost, type Host, hostPath } from '@kube-rescue/host';
import { type Node, openNode } from '@kube-rescue/node';
import { createRecoveryPlaybook, createRenewalPlaybook } from '@kube-rescue/recovery';
import {
  captureTree,
  createFakeHost,
  createFixedClock,
  type EncryptionAlgorithm,
  GOLDEN_VERSIONS,
  type GoldenDocument,
  type GoldenNodeOptions,
  growGolden,
  type NodeTree,
  plantTree,
  readGolden,
  readTree,
} from '@kube-rescue/testing';
import {
  createChangeRegistry,
  hostChangeKinds,
  openRunStore,
  type Playbook,
  planPlaybook,
  runPlaybook,
} from '@kube-rescue/workflow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../apps/cli/src/cli-process.fixture.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const CREATED = new Date('2024-02-03T04:05:06Z');
const { signal } = new AbortController();

function daysLater(days: number): Date {
  return new Date(CREATED.getTime() + days * DAY_MS);
}

/** A copy of the node's files, as `--root` reads it, on one day of its life. */
function openCopy(tree: NodeTree, days: number): Node {
  const host: Host = { ...createFakeHost({ tree }), kind: 'copy' };
  const options = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };
  return openNode(options, { host, clock: createFixedClock(daysLater(days)) });
}

async function run(playbook: Playbook, { machine: host, clock }: Node): Promise<void> {
  const kinds = createChangeRegistry(hostChangeKinds(host));
  const workflow = { host, clock, kinds, store: openRunStore(host), onEvent: () => undefined };
  const { outcome } = await runPlaybook({ playbook, selection: {}, confirm: async () => true, signal }, workflow);
  expect(outcome).toBe('done');
}

/** What the files of the node are now, in the words of its document. */
async function captureNode(host: Pick<Node, 'machine'>['machine']): Promise<GoldenDocument['files']> {
  const trees = await Promise.all(
    ['/etc/kubernetes', '/var/lib/kubelet'].map((name) => readTree(host, hostPath(name))),
  );
  return captureTree(new Map(trees.flatMap((tree) => [...tree])));
}

/** Start dates are the issuer's own: kubeadm's is that of the CA, ours five minutes ago. */
function withoutStarts(files: GoldenDocument['files']): object {
  return Object.fromEntries(
    Object.entries(files).map(([name, file]) => {
      if (!('certificate' in file) || file.certificate === undefined) return [name, file];
      const { minutes: _minutes, startsWithCa: _start, ...kept } = file.certificate;
      return [name, { ...file, certificate: kept }];
    }),
  );
}

/** The ids of `certs check` by the names of `kubeadm certs check-expiration`. */
function toId(name: string): string {
  const cas: Readonly<Record<string, string>> = {
    ca: 'ca/cluster',
    'etcd-ca': 'ca/etcd',
    'front-proxy-ca': 'ca/front-proxy',
  };
  return cas[name] ?? name.replace(/^etcd-/, 'etcd/');
}

describe.each(GOLDEN_VERSIONS)('a node of kubeadm %s', (version) => {
  const document = readGolden(version);
  /** kubeadm leaves the kubelet's certificate to the kubelet. */
  const ids = [...document.listed.map(toId), 'kubelet-client'].toSorted();
  const leaves = ids.filter((id) => !id.startsWith('ca/'));
  let tree: NodeTree;

  beforeAll(async () => {
    tree = await growGolden(document, { createdAt: CREATED });
  });

  it('is grown as kubeadm made it', async () => {
    expect(await captureTree(tree)).toEqual(document.files);
  });

  it('is healthy within its first year, with the certificates that kubeadm lists and that of the kubelet', async () => {
    const node = openCopy(tree, 100);
    const { certificates, ...rest } = await checkCertificates(node, {});
    expect(certificates.map(({ id }) => id).toSorted()).toEqual(ids);
    expect(certificates.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(rest).toEqual({ findings: [], unread: [], passedOver: [], causes: [], next: null });
    expect(await triageNode(node, signal)).toMatchObject({
      verdict: 'healthy',
      layout: 'kubeadm',
      causes: [],
      notices: [],
    });
    const { entries } = await planPlaybook(createRecoveryPlaybook(node, {}), {
      ...{ host: 'node01', clock: node.clock, selection: {}, signal },
    });
    expect(entries.filter(({ finding }) => finding.status !== 'ok')).toEqual([]);
  });

  it('is down after a year for its expired certificates, which a recovery renews as they were', async () => {
    const node = openCopy(tree, 400);
    const { causes, verdict } = await triageNode(node, signal);
    expect(verdict).toBe('unhealthy');
    expect(causes.map(({ code }) => code)).toEqual(['PKI_CERTIFICATE_EXPIRED']);
    expect(causes[0]?.summary).toContain(`${leaves.length} certificates`);
    await run(createRecoveryPlaybook(node, {}), node);
    const files = await captureNode(node.machine);
    expect(withoutStarts(files)).toEqual(withoutStarts(document.files));
    expect((await checkCertificates(node, {})).certificates.filter(({ status }) => status !== 'ok')).toEqual([]);
  });
});

describe('a certificate of the newest kubeadm', () => {
  const CA = '/etc/kubernetes/pki/ca.crt';
  const SERVING = '/etc/kubernetes/pki/apiserver.crt';
  const document = only(readGolden(GOLDEN_VERSIONS[0]), [CA, SERVING]);
  const algorithms = Object.entries(document.algorithms) as [EncryptionAlgorithm, { key: string; pem: string }][];

  it.each(algorithms)(
    'keeps its key, its signature and everything else with %s',
    async (algorithm, { pem, ...profile }) => {
      const node = openCopy(await grow({ algorithms: { [CA]: algorithm, [SERVING]: algorithm } }), 400);
      const before = await captureNode(node.machine);
      expect(before[SERVING]).toMatchObject({ certificate: profile });
      expect(before[SERVING.replace('.crt', '.key')]).toMatchObject({ key: pem });
      await run(createRenewalPlaybook(node, { only: ['apiserver'] }), node);
      expect(withoutStarts(await captureNode(node.machine))).toEqual(withoutStarts(before));
    },
  );

  it('keeps a lifetime of certificateValidityPeriod, below a CA of caCertificateValidityPeriod', async () => {
    const lifetimes = document.configuredLifetimes ?? undefined;
    const node = openCopy(await grow({ lifetimes }), 4000);
    await run(createRenewalPlaybook(node, { only: ['apiserver'] }), node);
    const { [CA]: ca, [SERVING]: serving } = await captureNode(node.machine);
    expect([ca, serving]).toMatchObject([{ certificate: { days: 20 * 365 } }, { certificate: { days: 3 * 365 } }]);
  });

  it('has a lifetime of one year again when kubeadm renewed it before, with the dates that kubeadm gives', async () => {
    const node = openCopy(await grow({ renewedAt: daysLater(300.2) }), 700);
    await run(createRenewalPlaybook(node, { only: ['apiserver'] }), node);
    expect(withoutStarts(await captureNode(node.machine))).toEqual(withoutStarts(document.files));
  });

  function grow(options: Omit<GoldenNodeOptions, 'createdAt'>): Promise<NodeTree> {
    return growGolden(document, { createdAt: CREATED, ...options });
  }
});

/** A document with only these certificates, so that a node with large keys is made fast. */
function only(document: GoldenDocument, kept: readonly string[]): GoldenDocument {
  const files = Object.entries(document.files).filter(([name, file]) => {
    return kept.includes(name.replace(/\.key$/, '.crt')) || !('certificate' in file || 'key' in file || 'link' in file);
  });
  return { ...document, files: Object.fromEntries(files) };
}

describe('the program on a copy of a node of the newest kubeadm', () => {
  let root: string;

  beforeAll(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'kube-rescue-golden-'));
    const createdAt = new Date(Math.floor(Date.now() / 1000) * 1000 - 400 * DAY_MS);
    const tree = await growGolden(readGolden(GOLDEN_VERSIONS[0]), { createdAt });
    await plantTree(createLocalHost({ root: hostPath(root) }), tree);
  });

  afterAll(() => rm(root, { recursive: true }));

  it('finds it down, recovers it, and finds it healthy', async () => {
    const down = await runCli(['triage', '--root', root]);
    expect(down.exitCode, down.stderr).toBe(3);
    expect(down.stdout).toContain('12 certificates');
    for (const words of [['recover', '--yes'], ['triage'], ['certs', 'check'], ['plan']]) {
      const { exitCode, stderr } = await runCli([...words, '--root', root]);
      expect({ words, exitCode }, stderr).toEqual({ words, exitCode: 0 });
    }
  });
});
