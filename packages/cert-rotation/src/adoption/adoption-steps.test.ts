import { type Host, hostPath } from '@kube-rescue/host';
import {
  buildPki,
  CA_NAMES,
  createFakeHost,
  createFixedClock,
  expectCode,
  LEAF_NAMES,
  type NodeTree,
  type Pki,
  type PkiOptions,
  type StepCase,
  stepLaws,
  type TreeEntry,
} from '@kube-rescue/testing';
import { parseCertificates } from '@kube-rescue/x509';
import { beforeAll, describe, expect, it } from 'vitest';
import { inspectCertificates } from '../inventory/inventory.ts';
import { directJournal, kubeadmNode, type Node, NOW, textAt, textIn } from '../kubeadm-node.fixture.ts';
import { reportCertificates } from '../judgement/report.ts';
import { createAdoptionSteps } from './adoption-steps.ts';

const { signal } = new AbortController();
const clock = createFixedClock(NOW);
const SET = hostPath('/set');
const PKI = '/etc/kubernetes/pki';
const NEW_KEYS: PkiOptions = { algorithm: 'rsa', now: NOW };

let made: Pki;

beforeAll(async () => {
  made = await buildPki(NEW_KEYS);
});

type Texts = Readonly<Record<string, string>>;

/** Every file that a node needs, in one directory, with meaningless names. */
function heapOf({ pairs }: Pki, names: readonly string[] = [...CA_NAMES, ...LEAF_NAMES]): Texts {
  return Object.fromEntries(
    names.flatMap((name, at) => {
      const { certificate, key } = pairs[name as keyof typeof pairs];
      return [
        [`${99 - at}.txt`, `some words\n${certificate}`],
        [`k${at}`, key],
      ];
    }),
  );
}

function setTree(texts: Texts): NodeTree {
  const file = (text: string): TreeEntry => ({ kind: 'file', bytes: Buffer.from(text), mode: 0o600 });
  return new Map(Object.entries(texts).map(([name, text]) => [hostPath(`${SET}/${name}`), file(text)]));
}

const stepsOf = ({ host, input }: { readonly host: Host; readonly input: Node['input'] }, texts: Texts) =>
  createAdoptionSteps(
    { set: { path: SET, files: createFakeHost({ tree: setTree(texts) }) }, node: input },
    { host, clock },
  );

async function adopt(node: Node, texts: Texts) {
  const done: string[] = [];
  for (const step of await stepsOf(node, texts)) {
    const finding = await step.check(signal);
    if (finding.status === 'ok') continue;
    expect(finding).toMatchObject({ status: 'needed' });
    await step.apply(step.plan(finding), directJournal(node.host), signal);
    expect(await step.verify(signal)).toMatchObject({ verified: true });
    done.push(step.id);
  }
  return done;
}

async function badRows({ input, host }: Node) {
  const rows = reportCertificates(await inspectCertificates(input, { host }), { now: NOW });
  return rows.filter(({ status }) => status !== 'ok');
}

const subjectsAt = async (node: Node, path: string): Promise<readonly string[]> =>
  parseCertificates(await textAt(node.host, path), path).map(
    ({ x509 }) => `${x509.subject} ${x509.serialNumber.length > 0}`,
  );

describe('a matching certificate set', () => {
  it('is recognized by content in any file layout and installed completely; kubeconfigs trust the old CA, too', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa', expired: LEAF_NAMES });
    const done = await adopt(node, heapOf(made));
    expect(done).toHaveLength(1 + LEAF_NAMES.length);
    expect(await badRows(node)).toEqual([]);
    for (const ca of CA_NAMES) {
      const [present, old] = parseCertificates(await textAt(node.host, `${PKI}/${ca}.crt`), ca);
      expect(present.x509.raw).toEqual(parseCertificates(made.pairs[ca].certificate, ca)[0].x509.raw);
      expect(old).toBeUndefined();
      expect(await textAt(node.host, `${PKI}/${ca}.key`)).toBe(made.pairs[ca].key);
    }
    expect(await textAt(node.host, `${PKI}/apiserver.crt`)).toBe(made.pairs.apiserver.certificate);
    expect(await textAt(node.host, `${PKI}/apiserver.key`)).toBe(made.pairs.apiserver.key);
    const conf = await textAt(node.host, '/etc/kubernetes/admin.conf');
    const trusted = Buffer.from(/certificate-authority-data: (\S+)/.exec(conf)?.[1] ?? '', 'base64').toString();
    expect(trusted).toBe(made.pairs.ca.certificate + node.pki.pairs.ca.certificate);
    const kubelet = await textAt(node.host, '/var/lib/kubelet/pki/kubelet-client-current.pem');
    expect(kubelet).toContain(made.pairs['kubelet-client'].key);
    expect(await adopt(node, heapOf(made))).toEqual([]);
  });

  it('replaces CAs that have expired, and keeps none of them', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa', expired: [...CA_NAMES, ...LEAF_NAMES] });
    await adopt(node, heapOf(made));
    expect(await subjectsAt(node, `${PKI}/ca.crt`)).toEqual(['CN=kubernetes true']);
    const conf = await textAt(node.host, '/etc/kubernetes/kubelet.conf');
    const trusted = Buffer.from(/certificate-authority-data: (\S+)/.exec(conf)?.[1] ?? '', 'base64').toString();
    expect(trusted).toBe(made.pairs.ca.certificate);
    expect(await badRows(node)).toEqual([]);
  });

  it('is recognized in the file layout of another kubeadm node, with its kubeconfigs', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa', expired: LEAF_NAMES });
    const kept = [...made.tree].filter(([path, entry]) => entry.kind === 'file' && /pki\/|\.conf$/.test(path));
    const texts = Object.fromEntries(kept.map(([path]) => [path.slice(1), textIn(made.tree, path)]));
    await adopt(node, texts);
    expect(await badRows(node)).toEqual([]);
  });

  it('has links of a copied kubelet directory mean the files beside them, never files of this node', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa', expired: ['apiserver'] });
    const dated = hostPath('/var/lib/kubelet/pki/kubelet-client-2026-01-02-03-04-05.pem');
    const { certificate, key } = made.pairs['kubelet-client'];
    const tree = new Map([
      ...setTree({ ...heapOf(made, [...CA_NAMES, ...LEAF_NAMES]), [dated.slice(1)]: certificate + key }),
      [hostPath(`${SET}/var/lib/kubelet/pki/kubelet-client-current.pem`), { kind: 'link', target: dated } as const],
      [dated, { kind: 'file', bytes: Buffer.from(node.pki.pairs['kubelet-client'].certificate), mode: 0o600 } as const],
    ]);
    const set = { path: SET, files: createFakeHost({ tree }) };
    const [first] = await createAdoptionSteps({ set, node: node.input }, { host: node.host, clock });
    expect(await first?.check(signal)).toMatchObject({ status: 'needed' });
  });

  it('may hold only what this node lacks: the rest stays', async () => {
    const node = await kubeadmNode({ algorithm: 'rsa', expired: ['apiserver'] });
    // The same CA, reissued with its own key, and one leaf of it.
    expect(await adopt(node, heapOf(made, ['ca', 'apiserver']))).toEqual(['adopt/authorities', 'adopt/leaf/apiserver']);
    expect(await badRows(node)).toEqual([]);
    expect(await textAt(node.host, `${PKI}/etcd/server.crt`)).toBe(textIn(node.tree, `${PKI}/etcd/server.crt`));
  });

  it('may replace a CA for some certificates: both are trusted while the others stay in use', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa', expired: ['etcd/server'] });
    await adopt(node, heapOf(made, ['etcd/ca', 'etcd/server']));
    const both = made.pairs['etcd/ca'].certificate + node.pki.pairs['etcd/ca'].certificate;
    expect(await textAt(node.host, `${PKI}/etcd/ca.crt`)).toBe(both);
    expect(await badRows(node)).toEqual([]);
  });

  it('says which stage of a rotation its kubeconfigs and the node are in', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa' });
    const conf = (...cas: readonly string[]): string =>
      textIn(made.tree, '/etc/kubernetes/admin.conf').replace(
        /(certificate-authority-data: ).*/,
        `$1${Buffer.from(cas.join('')).toString('base64')}`,
      );
    const [old, present] = [node.pki.pairs.ca.certificate, made.pairs.ca.certificate];
    const texts = {
      ...heapOf(made),
      'patches/step_1/bundle_kubeconfig': conf(old, present),
      'patches/step_3/final_kubeconfig': conf(present),
      'patches/step_1/kube-apiserver-secret.patch': `data:\n  ca.crt: ${Buffer.from(present).toString('base64')}\n`,
    };
    const [first] = await stepsOf(node, texts);
    expect((await first?.check(signal))?.evidence).toEqual(
      expect.arrayContaining([
        'this node trusts none of the new CAs',
        'the kubeconfig /set/patches/step_1/bundle_kubeconfig trusts the new CA beside another',
        'the kubeconfig /set/patches/step_3/final_kubeconfig trusts the new CA alone',
      ]),
    );
  });
});

describe('a certificate set that does not match', () => {
  it('is refused when it replaces the cluster CA and lacks one of its certificates', async () => {
    const { message } = await refusal(
      heapOf(made, [...CA_NAMES, ...LEAF_NAMES.filter((name) => name !== 'admin.conf')]),
      {},
    );
    expect(message).toContain('the set has no client certificate in admin.conf');
    expect(message).toContain('its CA is replaced');
  });

  const refusal = async (texts: Texts, options: PkiOptions = { expired: LEAF_NAMES }) =>
    expectCode(stepsOf(await kubeadmNode({ algorithm: 'ecdsa', ...options }), texts), 'PKI_SET_UNFIT');

  it('is refused with every reason at once', async () => {
    const bad = await buildPki({ ...NEW_KEYS, expired: ['etcd/server', 'etcd/peer'], address: '10.9.0.99' });
    const texts = Object.fromEntries(
      Object.entries({ ...heapOf(bad, [...CA_NAMES, ...LEAF_NAMES.filter((name) => name !== 'scheduler.conf')]) }),
    );
    const { message } = await refusal({
      ...texts,
      'cut.pem': '-----BEGIN CERTIFICATE-----\nAAAA\n',
      'glued.pem': made.pairs.ca.certificate.trimEnd() + made.pairs.ca.certificate,
      'secret.key': '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n',
    });
    expect(message).toContain('etcd server certificate in /set/');
    expect(message).toContain('expired on');
    expect(message).toContain('API server serving certificate');
    expect(message).toContain('does not name 10.9.0.11');
    expect(message).toContain('the set has no client certificate in scheduler.conf (CN=system:kube-scheduler)');
    expect(message).toContain('/set/cut.pem');
    expect(message).toContain('ends on the line where another begins');
    expect(message).toContain('/set/secret.key');
  });

  it('is refused when keys are missing, such as that of the CA that signs for kubelets', async () => {
    const texts = heapOf(made);
    const without = (key: string): Texts =>
      Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== key));
    expect((await refusal(without(made.pairs['apiserver-etcd-client'].key))).message).toContain(
      'has no private key in the set',
    );
    expect((await refusal(without(made.pairs.ca.key))).message).toContain('kube-controller-manager signs with it');
  });

  it('is refused without its CA, or when it is for another node', async () => {
    expect((await refusal(heapOf(made, LEAF_NAMES))).message).toContain('has no valid chain');
    const other = await buildPki({ ...NEW_KEYS, nodeName: 'node02' });
    expect((await refusal(heapOf(other))).message).toContain(
      'the set has no kubelet client certificate (O=system:nodes, CN=system:node:node01)',
    );
    await expectCode(stepsOf(await kubeadmNode({ algorithm: 'ecdsa' }), {}), 'PKI_SET_UNFIT');
    await expectCode(stepsOf(await kubeadmNode({ algorithm: 'ecdsa' }), { 'a.txt': 'hello' }), 'PKI_SET_UNFIT');
  });

  it('never quotes a key', async () => {
    const { message } = await refusal(heapOf(made, LEAF_NAMES));
    expect(message).not.toContain('PRIVATE');
    for (const key of made.privateKeys) expect(message).not.toContain(key.split('\n')[2]);
  });
});

async function stepCase(): Promise<StepCase> {
  const { tree, input: all } = await kubeadmNode({ algorithm: 'ecdsa', expired: ['etcd/server'] });
  // One certificate: every law inspects the whole set again and again.
  const input = { ...all, only: ['etcd/server'] as const };
  const texts = heapOf(await buildPki(NEW_KEYS), ['etcd/ca', 'etcd/server']);
  return {
    makeHost: async () => createFakeHost({ tree }),
    makePlaybook: (host) => ({
      id: 'adopt',
      title: 'adopt a set',
      phases: [
        {
          id: 'adopt',
          title: 'adopt',
          steps: async () => stepsOf({ host, input }, texts),
        },
      ],
    }),
    clock,
    directories: [hostPath('/etc/kubernetes'), hostPath('/var/lib/kubelet')],
  };
}

stepLaws('adoption of a certificate set', stepCase);
