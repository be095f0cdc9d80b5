import { ObjectError, type ObjectStore, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { type Host, hostPath } from '@kube-rescue/host';
import { createFakeHost, createFixedClock, expectCode } from '@kube-rescue/testing';
import { type Finding, type Phase, type Plan, planPlaybook, type Step } from '@kube-rescue/workflow';
import { beforeEach, describe, expect, it } from 'vitest';
import { openNode } from '@kube-rescue/node';
import { createCredentialSource } from './credential-source.ts';
import { openSources, type SelfHostedDeps, type SelfHostedOptions } from './options.ts';
import { createSelfHostedPlaybook } from './playbook.ts';
import { CACHED, makeSaturday, NOW, type Saturday, SET, setTree } from './saturday-node.fixture.ts';

const { signal } = new AbortController();
let saturday: Saturday;

beforeEach(async () => {
  saturday = await makeSaturday();
});

const DOWN: ObjectStore = {
  name: 'API server',
  get: () => Promise.reject(unreachable()),
  list: () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(unreachable()) }) }),
  create: () => Promise.reject(unreachable()),
  replace: () => Promise.reject(unreachable()),
  delete: () => Promise.reject(unreachable()),
};

function unreachable(): ObjectError {
  const message = 'the API server did not answer: ECONNREFUSED';
  return new ObjectError({ code: 'OBJECT_STORE_UNREACHABLE', message, subject: 'API server', hint: 'read its log' });
}

/** Of a dead cluster: etcd has its objects, the API server does not answer. */
function depsOf({ tree, store }: Saturday): SelfHostedDeps {
  const host: Host = createFakeHost({ tree, services: { kubelet: 'running' } });
  const node = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };
  return {
    ...openNode(node, { host, clock: createFixedClock(NOW) }),
    objects: {
      access: ({ via }) => ({ source: { via, search: {} }, open: async () => (via === 'etcd' ? store : DOWN) }),
      open: async () => store,
      close: async () => undefined,
    },
    openNode: () => Promise.reject(unreachable()),
    runs: { list: async () => [], open: () => Promise.reject(unreachable()) },
  };
}

function optionsOf(set: Readonly<Record<string, string>>, more: Partial<SelfHostedOptions> = {}): SelfHostedOptions {
  const files = createFakeHost({ tree: setTree(set) });
  return { adopt: { path: SET, files }, ...more };
}

function plan(options: SelfHostedOptions): Promise<Plan> {
  const playbook = createSelfHostedPlaybook(options, depsOf(saturday));
  return planPlaybook(playbook, { host: 'cp1', clock: { now: () => NOW }, selection: {}, signal });
}

describe('the plan for a self-hosted control plane whose API server is down', () => {
  it('lists the changes in etcd and on the node, and what later steps wait for; it has no key', async () => {
    const { entries } = await plan(optionsOf(saturday.set));
    const statusOf = (step: string) => entries.find((entry) => entry.step === step)?.finding.status;
    expect(statusOf('objects/secrets')).toBe('needed');
    expect(statusOf('objects/trust/cluster-ca')).toBe('needed');
    expect(statusOf('checkpoint/contents')).toBe('needed');
    const trusted = entries.find(({ step }) => step === 'objects/trust/cluster-ca')?.changes ?? [];
    expect(trusted.map(({ target }) => target)).toContain('Secret default/default-token-1');
    const { changes = [] } = entries.find(({ step }) => step === 'checkpoint/contents') ?? {};
    expect(changes[0]?.kind).toBe('checkpointer.freeze');
    expect(changes.at(-1)?.kind).toBe('checkpointer.hand-over');
    expect(changes.map(({ target }) => target)).toEqual(
      expect.arrayContaining([
        'Secret kube-system/kube-apiserver',
        `${CACHED}/apiserver.crt`,
        '/etc/kubernetes/kubeconfig',
      ]),
    );
    const pods = entries.find(({ step }) => step === 'pods/rescue/kube-controller-manager')?.finding;
    expect(pods?.waitsFor).toContain('control-plane/api-stable');
    const text = JSON.stringify(entries);
    for (const key of [saturday.next.apiserver.key, saturday.etcd.client.key]) {
      expect(text).not.toContain(key.split('\n')[1]);
    }
  });

  it('recreates the pod object of the API server before it starts the API server', async () => {
    const labels = { 'k8s-app': 'kube-apiserver' };
    saturday.store.plant(RESOURCE_KINDS.DaemonSet, {
      metadata: { namespace: 'kube-system', name: 'kube-apiserver' },
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [] } } },
    });
    const { entries } = await plan(optionsOf(saturday.set));
    const at = (step: string): number => entries.findIndex((entry) => entry.step === step);
    const { finding, changes } = entries[at('checkpoint/parents')] ?? {};
    expect(finding?.status).toBe('needed');
    expect(changes?.map(({ kind, target }) => `${kind} ${target}`)).toEqual([
      'object.create Pod kube-system/kube-apiserver-2rdtv',
    ]);
    expect(at('checkpoint/parents')).toBeLessThan(at('checkpoint/contents'));
  });

  it('is refused with every reason when the set lacks files, before any write', async () => {
    const {
      'tls/apiserver.crt': _crt,
      'tls/etcd/client.key': _key,
      'tls/etcd/peer.key': _peer,
      ...rest
    } = saturday.set;
    const error = await expectCode(plan(optionsOf(rest)), 'PKI_SET_UNFIT');
    expect(error.message).toContain('the set has no API server serving certificate');
    expect(error.message).toContain('has no private key in the set');
    expect(saturday.store.writes).toBe(0);
  });

  it('is refused when another node has an API server as well', async () => {
    for (const name of ['cp1', 'cp2']) {
      const labels = { 'node-role.kubernetes.io/master': '' };
      saturday.store.plant(RESOURCE_KINDS.Node, { metadata: { name, labels } });
    }
    const error = await expectCode(plan(optionsOf(saturday.set)), 'LAYOUT_UNSUPPORTED');
    expect(error.subject).toBe('cp1, cp2');
  });

  it('is refused when the checkpointer has removed the checkpoint of the API server', async () => {
    const kept = [...saturday.tree].filter(([path]) => !path.endsWith('kube-apiserver-2rdtv.json'));
    saturday = { ...saturday, tree: new Map(kept) };
    const error = await expectCode(plan(optionsOf(saturday.set)), 'LAYOUT_UNKNOWN');
    expect(error.hint).toContain('DaemonSet');
    expect(saturday.store.writes).toBe(0);
  });

  it('starts the API server first when objects are changed through it', async () => {
    const { entries } = await plan(optionsOf(saturday.set, { via: 'api' }));
    const at = (step: string): number => entries.findIndex((entry) => entry.step === step);
    expect(at('checkpoint/contents')).toBeLessThan(at('objects/secrets'));
    const contents = entries[at('checkpoint/contents')];
    expect(contents?.finding.status).toBe('needed');
    // The API server is started on the new files, with the checkpointer frozen; objects follow when it answers.
    expect(contents?.changes.at(-1)?.kind).toBe('checkpointer.wake');
    expect(entries[at('objects/secrets')]?.finding).toMatchObject({
      status: 'unknown',
      waitsFor: ['control-plane/api-stable'],
    });
  });
});

describe('the new contents of a checkpointer', () => {
  it('is worked out from cached copies alone, with the CA under every name', async () => {
    const deps = depsOf(saturday);
    const options = optionsOf(saturday.set, { via: 'api' });
    const source = createCredentialSource(options, openSources(options, deps), deps);
    const { objects } = await source.contents(signal);
    const api = objects.find(({ name }) => name === 'kube-apiserver')?.data;
    const { host } = deps;
    const file = hostPath(`${CACHED}/ca.crt`);
    await host.writeFile(file, Buffer.from(saturday.next.ca.certificate), { mode: 0o600 });
    // Equal after the files were written.
    expect((await source.contents(signal)).objects).toEqual(objects);
    expect(Buffer.from(api?.get('oidc-ca.crt') ?? []).toString()).toBe(saturday.next.ca.certificate);
    expect(Buffer.from(api?.get('etcd-client.key') ?? []).toString()).toBe(saturday.etcd.client.key);
    expect(api?.has('service-account.pub')).toBe(false);
  });

  it('follows the Secret in the cluster, not a planted copy', async () => {
    const planted = saturday.next.apiserver.certificate;
    const entry = saturday.tree.get(hostPath(`${CACHED}/apiserver.crt`));
    if (entry?.kind !== 'file') throw new Error('no cached certificate');
    const tree = new Map([
      ...saturday.tree,
      [hostPath(`${CACHED}/apiserver.crt`), { ...entry, bytes: Buffer.from(planted) }],
    ]);
    const deps = depsOf({ ...saturday, tree });
    const options = optionsOf(saturday.set);
    const { objects } = await createCredentialSource(options, openSources(options, deps), deps).contents(signal);
    const api = objects.find(({ name }) => name === 'kube-apiserver')?.data;
    expect(Buffer.from(api?.get('apiserver.crt') ?? []).toString()).toBe(planted);
    const secret = await saturday.store.get({
      kind: RESOURCE_KINDS.Secret,
      namespace: 'kube-system',
      name: 'kube-apiserver',
    });
    expect(secret?.object.data).not.toMatchObject({ 'apiserver.crt': Buffer.from(planted).toString('base64') });
  });
});

describe('new AWS keys in the recovery of a self-hosted control plane', () => {
  const stepOf = (id: string, finding: Finding): Step => ({
    ...{ id, title: id, requires: [], reversible: 'yes', plan: () => [], apply: async () => undefined },
    check: async () => finding,
    verify: async () => ({ verified: true, evidence: [] }),
  });
  const phaseOf = (id: string, finding: Finding): Phase => ({
    id,
    title: id,
    steps: async () => [stepOf(id, finding)],
  });
  const NEEDED: Finding = { status: 'needed', summary: 'new', evidence: [] };
  const refused = { ...NEEDED, status: 'blocked', code: 'ETCD_NO_QUORUM' } as const;
  const planWith = async (credentials: Phase | undefined, via: 'etcd' | 'api' = 'etcd'): Promise<Plan> => {
    const options = optionsOf(saturday.set, { via });
    const phases = { credentials, names: phaseOf('names', NEEDED) };
    const playbook = createSelfHostedPlaybook(options, depsOf(saturday), phases);
    return planPlaybook(playbook, { host: 'cp1', clock: { now: () => NOW }, selection: {}, signal });
  };
  const order = ({ entries }: Plan, ...steps: readonly string[]): readonly string[] =>
    entries.map(({ step }) => step).filter((step) => steps.includes(step));

  it('are written after the other Secrets, before the API server starts; names come before the proof that all lasts', async () => {
    const made = await planWith(phaseOf('credentials', NEEDED));
    const wanted = ['objects/secrets', 'credentials', 'checkpoint/contents', 'names', 'checkpoint/stable'];
    expect(order(made, ...wanted)).toEqual(wanted);
    expect(made.entries.find(({ step }) => step === 'names')?.phase).toBe('handover');
  });

  it('wait for an etcd that refuses writes until it has its certificates', async () => {
    const { entries } = await planWith(phaseOf('credentials', refused));
    expect(entries.find(({ step }) => step === 'credentials')?.finding.waitsFor).toEqual(['etcd/certificates']);
  });

  it('come after the API server where objects are changed through it', async () => {
    const wanted = ['checkpoint/contents', 'credentials', 'names', 'checkpoint/stable'];
    expect(order(await planWith(phaseOf('credentials', NEEDED), 'api'), ...wanted)).toEqual(wanted);
  });

  it('are judged last where there are none', async () => {
    const { entries } = await planWith(undefined);
    expect(entries.at(-1)?.step).toBe('names');
  });
});
