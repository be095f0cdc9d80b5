import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createLocalHost, hostPath } from '@kube-rescue/host';
import { buildPki, plantTree, requireProgram } from '@kube-rescue/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from './cli-process.fixture.ts';
import { type EtcdNode, startEtcdNode } from './etcd/etcd-node.fixture.ts';

const OTHER_CA = '/var/lib/kubelet/other-ca';

/** What a command may do on one of several control-plane nodes. Every command stands in one list. */
const COMMANDS = {
  /** Would give this node another CA or key of tokens than the others have, or take its member of etcd from them: refused with the sum. */
  fenced: ['certs:adopt', 'certs:rotate-ca', 'certs:rotate-sa', 'etcd:restore', 'manifests:restart', 'rollback'],
  /** Changes the members themselves, by the majority alone: refused with the sum where it would be lost. */
  members: ['etcd:members:promote', 'etcd:members:remove'],
  /** Goes node by node as long as no CA changes; waits for the others. */
  nodeByNode: ['plan', 'recover'],
  /** Changes certificates of this node alone, signed by the CA that all have. */
  ownCertificates: ['certs:renew', 'certs:csr:import'],
  /** Writes objects, which etcd accepts from a majority alone, or files that neither etcd nor a CA needs. */
  elsewhere: [
    ...['cni:bootstrap', 'dns:set-credentials', 'etcd:patch', 'nodes:taint', 'pods:release', 'pods:rescue'],
    // Of self-hosted control planes, which have their own check.
    'manifests:checkpoint',
    // Kubelets of workers, with the CA that this node has.
    'nodes:join',
    // A cluster of its own.
    'drill',
    // A copy; with --writable, objects.
    'api',
  ],
  readOnly: [
    ...[
      'completion',
      'certs:check',
      'certs:csr:export',
      'certs:inspect',
      // Writes certificates for all of them, and installs none.
      'certs:reissue-cas',
      'cni:check',
      'dns:check',
      'etcd:get',
      'etcd:members',
      'etcd:probe',
    ],
    ...[
      'etcd:snapshot',
      'etcd:status',
      'manifests:list',
      'nodes:list',
      'pods:list',
      'report',
      'runbook',
      'runs',
      'triage',
    ],
  ],
} as const;

it('the list of commands says of each what it may do on one of several control-plane nodes', async () => {
  const text = await readFile(new URL('../oclif.manifest.json', import.meta.url), 'utf8');
  const { commands } = JSON.parse(text) as { readonly commands: object };
  expect(Object.values(COMMANDS).flat().toSorted()).toEqual(Object.keys(commands).toSorted());
});

interface Case {
  readonly words: readonly string[];
  readonly exitCode: number;
  /** Of the error; `undefined` for an answer. */
  readonly code?: string;
  /** The refusal names the members. Default: true. */
  readonly sum?: boolean;
}

const fenced = (...words: readonly string[]): Case => ({ words, exitCode: 4, code: 'LAYOUT_UNSUPPORTED' });
const loss = (...words: readonly string[]): Case => ({ words, exitCode: 4, code: 'QUORUM_LOSS' });
const worse = (...words: readonly string[]): Case => ({ words, exitCode: 4, code: 'ROLLBACK_WORSE' });
const blocked = (...words: readonly string[]): Case => ({ words, exitCode: 4, code: 'WORKFLOW_BLOCKED', sum: false });
const changes = (...words: readonly string[]): Case => ({ words, exitCode: 3 });

/** Refused whatever the other members do. */
const ALWAYS: readonly Case[] = [
  fenced('recover', '--certs', OTHER_CA, '--yes'),
  fenced('certs', 'adopt', OTHER_CA, '--yes'),
  fenced('certs', 'rotate-ca', 'cluster', '--same-key', '--yes'),
  fenced('certs', 'rotate-ca', 'etcd', '--all-stages', '--yes'),
  fenced('certs', 'rotate-ca', 'cluster', '--stage', 'trust', '--nodes-ready', '--yes'),
  fenced('certs', 'rotate-ca', 'front-proxy', '--stage', 'issue', '--yes'),
  fenced('certs', 'rotate-ca', 'cluster', '--stage', 'drop', '--yes'),
  fenced('certs', 'rotate-sa', '--stage', 'publish', '--yes'),
  fenced('certs', 'rotate-sa', '--all-stages', '--revoke-tokens', '--yes'),
  fenced('etcd', 'restore', '--from', '/root/etcd.db', '--yes'),
  worse('rollback', 'latest', '--yes', '--force'),
];
/** One of each kind, for the states between all and one. */
const SOME: readonly Case[] = [
  fenced('recover', '--certs', OTHER_CA, '--yes'),
  fenced('certs', 'adopt', OTHER_CA, '--yes'),
  fenced('certs', 'rotate-ca', 'etcd', '--all-stages', '--yes'),
  worse('rollback', 'latest', '--yes', '--force'),
];
const ALLOWED: readonly Case[] = [
  changes('certs', 'renew', '--all', '--dry-run'),
  changes('manifests', 'restart', 'kube-scheduler', '--dry-run'),
  changes('plan'),
  changes('recover', '--dry-run'),
  // The kubelet of this node is no service of this machine.
  blocked('recover', '--yes'),
];

interface State {
  readonly title: string;
  readonly arrange: (node: EtcdNode) => Promise<void>;
  /** In every refusal. */
  readonly sum: RegExp;
  readonly cases: readonly Case[];
}

/** In this order: the last one cannot be undone by the members alone. */
const STATES: readonly State[] = [
  {
    title: 'all members up',
    arrange: async () => undefined,
    sum: /3 of 3 members of etcd answer, 2 are needed: .*etcd1 \(this node\)/,
    cases: [...ALWAYS, ...ALLOWED, changes('manifests', 'restart', 'etcd', '--dry-run')],
  },
  {
    title: 'one member not reachable',
    arrange: async ({ etcd }) => etcd.members[2]?.pause(),
    sum: /2 of 3 members of etcd answer, 2 are needed: .*etcd1 \(this node\).*; no answer from etcd3/,
    cases: [...SOME, ...ALLOWED, loss('manifests', 'restart', 'etcd', '--yes')],
  },
  {
    title: 'one member up, which still serves its data',
    arrange: async ({ etcd }) => {
      await Promise.all(etcd.members.slice(1).map((member) => member.stop()));
    },
    sum: /1 of 3 members of etcd answers, 2 are needed: etcd1 \(this node\); no answer from etcd\d, etcd\d/,
    cases: [...SOME, loss('manifests', 'restart', 'etcd', '--yes')],
  },
  {
    title: 'one member up, which waits for a majority',
    arrange: async ({ etcd }) => {
      await etcd.members[0].stop();
      await etcd.members[0].start({ ready: false });
    },
    sum: /1 of 3 members of etcd answers, 2 are needed: etcd1 \(this node\); no answer from etcd\d, etcd\d/,
    cases: [...ALWAYS, changes('plan'), changes('manifests', 'restart', 'etcd', '--dry-run')],
  },
];

// The node needs namespaces, which need root.
describe.runIf(process.getuid?.() === 0 && requireProgram('etcd'))('on the first of three control-plane nodes', () => {
  let node: EtcdNode;
  beforeAll(async () => {
    node = await startEtcdNode({ members: 3, nodeName: 'etcd1', expired: ['apiserver'] });
    const { tree } = await buildPki({ algorithm: 'ecdsa', address: '127.0.0.1', nodeName: 'etcd1' });
    await plantTree(createLocalHost({ root: hostPath(`${node.root}${OTHER_CA}`) }), tree);
    // As a run of the time when this node was the only one.
    const { exitCode, stderr } = await runCli([
      'certs',
      'rotate-ca',
      'etcd',
      '--same-key',
      '--yes',
      '--root',
      node.root,
    ]);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
  });
  afterAll(() => node.remove());

  /** The lock of a run is taken before a run that exists is read. */
  function stateOf(): string {
    const list = 'find etc var/lib -type f -not -name lock -exec sha256sum {} + | sort';
    return execFileSync('sh', ['-c', list], { cwd: node.root, encoding: 'utf8' });
  }

  describe.each(STATES)('$title', ({ arrange, sum, cases }) => {
    beforeAll(() => arrange(node));

    it.each(cases.map((each) => ({ ...each, title: each.words.join(' ') })))(
      '$title: exit $exitCode $code, nothing is changed',
      async ({ words, exitCode, code, sum: isNamed = true }) => {
        const before = stateOf();
        const ended = await node.run(...words, '--json');
        const { error } = JSON.parse(ended.stdout) as { error?: { code: string; message: string } };
        expect({ exitCode: ended.exitCode, code: error?.code, message: error?.message }).toMatchObject({
          exitCode,
          code,
        });
        if (error !== undefined && isNamed) expect(error.message).toMatch(sum);
        expect(stateOf()).toBe(before);
      },
    );

    it('triage names each member, its address, and what it lacks', async () => {
      const { stdout } = await node.run('triage', '--json');
      const { result } = JSON.parse(stdout) as {
        result: { notices: readonly { code: string; evidence: readonly string[] }[] };
      };
      const [notice] = result.notices.filter(({ code }) => code === 'ETCD_SEVERAL_MEMBERS');
      const isUp = (name: string): boolean => !new RegExp(`no answer from.*${name}`).test(describeDown(sum));
      for (const { name, peerUrl } of node.etcd.members) {
        const line = notice?.evidence.find((each) => each.startsWith(name));
        expect(line).toContain(peerUrl);
        expect(line?.includes('(this node)')).toBe(name === 'etcd1');
        expect(line?.includes('does not answer')).toBe(!isUp(name));
      }
    });
  });
});

/** The members of which a state expects no answer, as text. */
function describeDown({ source }: RegExp): string {
  return source.replaceAll(String.raw`etcd\d, etcd\d`, 'etcd2, etcd3');
}
