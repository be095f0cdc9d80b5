import { hostPath } from '@kube-rescue/host';
import { createFakeHost, createFixedClock, expectCode } from '@kube-rescue/testing';
import { type Node, openNode } from '@kube-rescue/node';
import { triageNode } from '@kube-rescue/diagnosis';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Playbook } from '@kube-rescue/workflow';
import { createAdoptionPlaybook } from '../kubeadm/adoption.ts';
import { createRenewalPlaybook } from '../kubeadm/renewal.ts';
import { workOutCredentials, type WantedCredentials } from './credentials.ts';
import { CACHED, makeSaturday, NOW, type Saturday, SET, setTree } from './saturday-node.fixture.ts';

const OPTIONS = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };
const { signal } = new AbortController();
let saturday: Saturday;

beforeAll(async () => {
  saturday = await makeSaturday();
});

function nodeOf({ tree }: Pick<Saturday, 'tree'>): Node {
  return openNode(OPTIONS, { host: createFakeHost({ tree }), clock: createFixedClock(NOW) });
}

async function workOut(set: Readonly<Record<string, string>> | undefined): Promise<WantedCredentials> {
  const node = nodeOf(saturday);
  const files = createFakeHost({ tree: setTree(set ?? {}) });
  const adopt = set === undefined ? undefined : { path: SET, files };
  return workOutCredentials({ adopt }, await node.describe(), saturday.store, node, signal);
}

const textOf = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString();

describe('a self-hosted control-plane node', () => {
  it('is recognized by its checkpoints, with the flags of its API server, its etcd and its kubelet', async () => {
    const node = await nodeOf(saturday).describe();
    expect(node).toMatchObject({
      layout: 'self-hosted',
      apiServerUrl: 'https://saturday-api.example.test:6443',
      adminKubeconfig: '/etc/kubernetes/kubeconfig',
      etcdService: { name: 'etcd-member' },
    });
    const flags = node.components.find(({ component }) => component === 'kube-apiserver')?.flags;
    expect(flags?.get('tls-cert-file')).toBe(`${CACHED}/apiserver.crt`);
  });

  it('is inspected with everything down: expired certificates are named with their cached files, those of etcd are valid', async () => {
    const { layout, causes, certificates } = await triageNode(nodeOf(saturday), signal);
    expect(layout).toBe('self-hosted');
    const bad = certificates.filter(({ status }) => status === 'problem').map(({ id }) => id);
    // --etcd-cafile: the CA of etcd before its certificates were changed.
    const named = certificates.find(({ id }) => id === 'used-by/kube-apiserver');
    expect(named?.path).toBe(`${CACHED}/etcd-client-ca.crt`);
    expect(bad.toSorted()).toEqual([
      'apiserver',
      'apiserver-etcd-client',
      'ca/cluster',
      'kubelet-client',
      'used-by/kube-apiserver',
    ]);
    expect(causes.map(({ evidence }) => evidence.join()).join('\n')).toContain(`${CACHED}/apiserver.crt`);
  });
});

describe('certificates that are copies of Secrets', () => {
  const planOf = async (playbook: Playbook): Promise<unknown> =>
    Promise.all(playbook.phases.map(async (phase) => phase.steps(signal)));

  it('are neither adopted nor renewed as files alone, and recover is named', async () => {
    const node = nodeOf(saturday);
    const set = { path: SET, files: createFakeHost({ tree: setTree({}) }) };
    for (const playbook of [createAdoptionPlaybook(node, { adopt: set }), createRenewalPlaybook(node, { only: [] })]) {
      const { message, hint } = await expectCode(planOf(playbook), 'LAYOUT_UNSUPPORTED');
      expect(message).toContain(`${CACHED}/apiserver.crt`);
      expect(hint).toContain('kube-rescue recover');
    }
  });

  it('leave the files of the node alone renewable', async () => {
    const [steps] = (await planOf(createRenewalPlaybook(nodeOf(saturday), { only: ['kubelet-client'] }))) as [
      unknown[],
    ];
    expect(steps).toHaveLength(1);
  });
});

describe('a checkpoint whose nodeSelector only the API server knows a label for', () => {
  const PATH = hostPath('/etc/kubernetes/inactive-manifests/kube-system-kube-apiserver-2rdtv.json');

  it('is named by the triage, unless a flag of the kubelet sets the label', async () => {
    const node = nodeOf(saturday);
    const pod = JSON.parse(textOf(await node.host.readFile(PATH))) as { readonly spec: object };
    const selecting = { ...pod, spec: { ...pod.spec, nodeSelector: { 'node-role.kubernetes.io/master': '' } } };
    await node.host.writeFile(PATH, Buffer.from(JSON.stringify(selecting)), { mode: 0o600 });
    const refusals = async () => {
      const { causes } = await triageNode(node, signal);
      return causes.filter(({ code }) => code === 'CHECKPOINT_REFUSED');
    };
    expect(await refusals()).toMatchObject([{ evidence: [PATH], hint: expect.stringContaining('--node-labels') }]);
    const unit = hostPath('/etc/systemd/system/kubelet.service');
    const text = `${textOf(await node.host.readFile(unit)).trimEnd()} \\\n --node-labels=node-role.kubernetes.io/master\n`;
    await node.host.writeFile(unit, Buffer.from(text), { mode: 0o644 });
    expect(await refusals()).toEqual([]);
  });
});

describe('a set of tls_rotate', () => {
  it('goes into the Secrets key by key, and into the files of the node', async () => {
    const { next, etcd } = saturday;
    const { secrets, files, root } = await workOut(saturday.set);
    const api = secrets.find(({ name }) => name === 'kube-apiserver')?.data;
    expect([...(api?.keys() ?? [])].toSorted()).toEqual([
      'apiserver.crt',
      'apiserver.key',
      'ca.crt',
      'etcd-client-ca.crt',
      'etcd-client.crt',
      'etcd-client.key',
      'oidc-ca.crt',
    ]);
    expect(textOf(api?.get('ca.crt'))).toBe(next.ca.certificate);
    expect(textOf(api?.get('oidc-ca.crt'))).toBe(next.ca.certificate);
    expect(textOf(api?.get('apiserver.crt'))).toBe(next.apiserver.certificate);
    expect(textOf(api?.get('etcd-client-ca.crt'))).toBe(etcd.ca.certificate);
    // Not the etcd peer certificate, which has the same subject and is valid for clients as well.
    expect(textOf(api?.get('etcd-client.crt'))).toBe(etcd.client.certificate);
    const manager = secrets.find(({ name }) => name === 'kube-controller-manager')?.data;
    expect(manager).toEqual(new Map([['ca.crt', Buffer.from(next.ca.certificate)]]));
    expect([...files.keys()].toSorted()).toEqual(['/etc/kubernetes/ca.crt', '/etc/kubernetes/kubeconfig']);
    expect(textOf(files.get(hostPath('/etc/kubernetes/ca.crt')))).toBe(next.ca.certificate);
    const kubeconfig = textOf(files.get(hostPath('/etc/kubernetes/kubeconfig')));
    expect(kubeconfig).toContain(Buffer.from(next.kubelet.certificate).toString('base64'));
    expect(kubeconfig).toContain('server: https://saturday-api.example.test:6443');
    expect(kubeconfig).not.toContain(Buffer.from(saturday.old.ca.certificate).toString('base64'));
    expect(root?.x509.toString()).toBe(next.ca.certificate);
  });

  it('is refused with every reason at once when files are missing', async () => {
    const {
      'tls/apiserver.crt': _crt,
      'tls/etcd/client.key': _key,
      'tls/etcd/peer.key': _peer,
      ...rest
    } = saturday.set;
    const error = await expectCode(workOut(rest), 'PKI_SET_UNFIT');
    expect(error.message).toContain('the set has no API server serving certificate');
    expect(error.message).toContain('has no private key in the set');
  });

  it('is advised when the CA key is missing', async () => {
    const error = await expectCode(workOut(undefined), 'CERTIFICATES_BLOCKED');
    expect(error.hint).toContain('--certs');
  });
});
