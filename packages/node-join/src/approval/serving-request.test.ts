import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readSigningRequest } from '@kube-rescue/x509';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isServingRequestOf, namesOfNode, refuseServingRequest } from './serving-request.ts';
import { NODE, request, servingObject } from './signing-request.fixture.ts';

const NAMES = ['node02', '192.0.2.12', '2001:db8::12'];
const SUBJECT = { node: 'node02', names: NAMES };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'kube-rescue-serving-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function refusal(sans: string, { subject = NODE, spec = {}, more = [] as readonly string[] } = {}): string | undefined {
  const names = sans === '' ? [] : ['-addext', `subjectAltName=${sans}`];
  const { pem } = request(folder, subject, { more: [...names, ...more] });
  return refuseServingRequest(servingObject('csr-1', pem, spec), SUBJECT);
}

describe('a request for a serving certificate', () => {
  it('has its names read, and whether it asks for more', () => {
    const read = (...more: readonly string[]) => readSigningRequest(request(folder, NODE, { more }).pem);
    expect(read('-addext', 'subjectAltName=DNS:a,IP:192.0.2.1,IP:2001:db8::1,email:a@example.org')).toMatchObject({
      subjectAltNames: ['DNS:a', 'IP:192.0.2.1', 'IP:2001:db8::1', 'email:a@example.org'],
      hasOtherContent: false,
    });
    expect(read('-addext', 'basicConstraints=CA:TRUE')).toMatchObject({ subjectAltNames: [], hasOtherContent: true });
    expect(readSigningRequest(request(folder, `${NODE}/OU=x`).pem)).toMatchObject({ hasOtherContent: true });
  });

  it.each(['DNS:node02,IP:192.0.2.12', 'DNS:NODE02', 'IP:2001:0db8:0:0::12', 'IP:192.0.2.12'])(
    'is approved for names of this node: %s',
    (sans) => expect(refusal(sans)).toBeUndefined(),
  );

  // pkg/apis/certificates/helpers.go ValidateKubeletServingCSR of Kubernetes v1.37.2, and the names that it leaves to the approver.
  it.each([
    ['no name', '', {}, 'it asks for no name'],
    [
      'a name of another kind',
      'DNS:node02,email:a@example.org',
      {},
      "email:a@example.org, which is not known to be this node's",
    ],
    ['a URI', 'URI:https://node02/', {}, 'URI:https://node02/'],
    [
      'another node',
      'DNS:node02',
      { subject: '/O=system:nodes/CN=system:node:cp1' },
      'its subject is not that of this node',
    ],
    ['another group', 'DNS:node02', { subject: '/O=system:masters/CN=system:node:node02' }, 'its subject is not'],
    [
      'two groups',
      'DNS:node02',
      { subject: '/O=system:nodes/O=system:masters/CN=system:node:node02' },
      'its subject is not',
    ],
    ['two users', 'DNS:node02', { subject: `${NODE}/CN=admin` }, 'its subject is not'],
    ['a CA', 'DNS:node02', { more: ['-addext', 'basicConstraints=CA:TRUE'] }, 'it asks for more than names'],
    ['the usage of a client', 'DNS:node02', { spec: { usages: ['digital signature', 'client auth'] } }, 'the usages'],
    [
      'a further usage',
      'DNS:node02',
      { spec: { usages: ['digital signature', 'server auth', 'client auth'] } },
      'the usages',
    ],
    ['no usage', 'DNS:node02', { spec: { usages: [] } }, 'the usages'],
    ['loopback', 'IP:127.0.0.1', {}, 'IP:127.0.0.1'],
  ])('is not approved for %s', (_, sans, options, reason) => {
    expect(refusal(sans, options)).toContain(reason);
  });

  it('is not approved when it is damaged', () => {
    expect(refuseServingRequest(servingObject('csr-1', 'garbage'), SUBJECT)).toContain('damaged');
  });

  it('is of this node only when the API server names its kubelet as the sender', () => {
    const { pem } = request(folder, NODE);
    const of = (spec: object): boolean => isServingRequestOf(servingObject('csr-1', pem, spec), 'node02');
    expect(of({})).toBe(true);
    expect([
      of({ username: 'system:node:cp1' }),
      of({ username: 'kubernetes-admin' }),
      of({ groups: ['system:authenticated'] }),
    ]).toEqual([false, false, false]);
    expect(of({ signerName: 'kubernetes.io/kube-apiserver-client-kubelet' })).toBe(false);
  });
});

describe('public reports', () => {
  // https://github.com/alex1989hu/kubelet-serving-cert-approver/issues/139 (v1.27.1)
  it('of a request without key encipherment, as kubelets make it since 1.27: it is approved, and the older form too', () => {
    expect(refusal('DNS:node02', { spec: { usages: ['digital signature', 'server auth'] } })).toBeUndefined();
    const old = ['digital signature', 'key encipherment', 'server auth'];
    expect(refusal('DNS:node02', { spec: { usages: old } })).toBeUndefined();
  });

  // https://github.com/alex1989hu/kubelet-serving-cert-approver/issues/337 (2026)
  it('of a kubelet that asks for the names of another node: it is not approved', () => {
    expect(refusal('DNS:node02,IP:192.0.2.11')).toContain('IP:192.0.2.11');
    expect(refusal('DNS:node02,DNS:cp1')).toContain('DNS:cp1');
  });

  // https://github.com/siderolabs/talos-cloud-controller-manager/pull/360 (2026): comparing bytes lets the capital letters pass.
  it('of a kubelet that asks for the Service of the API server in capital letters: it is not approved, whatever its Node says', () => {
    const names = ['KUBERNETES.default.svc', 'kubernetes', '*.example.org', 'node02'];
    for (const name of names.slice(0, 3)) {
      const { pem } = request(folder, NODE, { more: ['-addext', `subjectAltName=DNS:node02,DNS:${name}`] });
      expect(refuseServingRequest(servingObject('csr-1', pem), { node: 'node02', names })).toContain(name);
    }
  });

  // https://github.com/postfinance/kubelet-csr-approver/issues/70 (2022): a node of a cloud with two names and two addresses.
  it('of a node with several names and addresses: it is approved for those of its Node', () => {
    const addresses = [
      { type: 'ExternalDNS', address: 'ec2-192-0-2-4.compute.example.org' },
      { type: 'InternalDNS', address: 'ip-192-168-5-6.compute.internal' },
      { type: 'InternalIP', address: '192.168.5.6' },
      { type: 'ExternalIP', address: '192.0.2.4' },
    ];
    const node = { metadata: { name: 'node02' }, status: { addresses } };
    const names = namesOfNode(node as unknown as Parameters<typeof namesOfNode>[0]);
    const sans =
      'DNS:ec2-192-0-2-4.compute.example.org,DNS:ip-192-168-5-6.compute.internal,IP:192.168.5.6,IP:192.0.2.4';
    const { pem } = request(folder, NODE, { more: ['-addext', `subjectAltName=${sans}`] });
    expect(refuseServingRequest(servingObject('csr-1', pem), { node: 'node02', names })).toBeUndefined();
  });
});
