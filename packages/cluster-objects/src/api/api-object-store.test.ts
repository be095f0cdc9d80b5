import { describeError } from '@kube-rescue/errors';
import { createLocalHost } from '@kube-rescue/host';
import { buildPki, expectCode, issueCertificate } from '@kube-rescue/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type FakeApiServer, replying, startFakeApiServer } from './fake-api-server.fixture.ts';
import type { StoredObject } from '../object-store.ts';
import { RESOURCE_KINDS } from '../objects/resource-kind.ts';
import { describeUnreadable } from '../objects/object-failures.ts';
import { type ApiObjectStore, connectApiServer } from './api-object-store.ts';

const { CertificateSigningRequest, Deployment, Node, Secret } = RESOURCE_KINDS;
const REFERENCE = { kind: Secret, namespace: 'default', name: 'a' };
const SECRET = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'a', namespace: 'default', uid: 'u', resourceVersion: '7' },
  data: { a: 'aHVudGVyMg==' },
};

let server: FakeApiServer;
let store: ApiObjectStore;

beforeEach(async () => {
  server = await startFakeApiServer();
  store = connectApiServer(server.access, { timeoutMs: 2000 });
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await store.close();
  await server.close();
});

async function readSecret(fields: object = {}): Promise<StoredObject> {
  server.answer = replying(200, { ...SECRET, ...fields });
  const read = await store.get(REFERENCE);
  if (read === undefined) throw new Error('the fake answers nothing');
  return read;
}

const status = (reason: string, details: object = {}, message = 'hunter2') => ({
  kind: 'Status',
  reason,
  details,
  message,
});

describe('an object through the API server', () => {
  it('is requested by group, version and namespace', async () => {
    server.answer = replying(404, status('NotFound', { name: 'a' }));
    await store.get(REFERENCE);
    await store.get({ kind: Deployment, namespace: 'a-b', name: 'system:x y' });
    await store.get({ kind: Node, name: 'node01' });
    expect(server.requests.map(({ line }) => line)).toEqual([
      'GET /api/v1/namespaces/default/secrets/a',
      'GET /apis/apps/v1/namespaces/a-b/deployments/system%3Ax%20y',
      'GET /api/v1/nodes/node01',
    ]);
  });

  it('is replaced and deleted at the revision that was read', async () => {
    const read = await readSecret();
    await store.replace(read, { ...read.object, metadata: { ...read.object.metadata, resourceVersion: '9' } });
    await store.delete(read);
    const [, put, remove] = server.requests.map(({ line, body }) => [
      line,
      JSON.parse(body || '{}') as Record<string, unknown>,
    ]);
    expect(put).toEqual(['PUT /api/v1/namespaces/default/secrets/a', SECRET]);
    expect(remove).toEqual([
      'DELETE /api/v1/namespaces/default/secrets/a',
      expect.objectContaining({ preconditions: { uid: 'u', resourceVersion: '7' } }),
    ]);
  });

  it('has its status changed through the status subresource, alone', async () => {
    const read = await readSecret();
    await expectCode(store.replace(read, { ...read.object, data: {}, status: {} }), 'OBJECT_FIELD_UNSUPPORTED');
    await store.replace(read, { ...read.object, status: {} });
    expect(server.requests.at(-1)?.line).toBe('PUT /api/v1/namespaces/default/secrets/a/status');
  });

  it('is approved or issued through the subresources of signing requests', async () => {
    const request = {
      ...SECRET,
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name: 'a', resourceVersion: '1' },
    };
    server.answer = replying(200, request);
    const read = (await store.get({ kind: CertificateSigningRequest, name: 'a' })) as StoredObject;
    await store.replace(read, { ...read.object, status: { conditions: [{ type: 'Approved' }] } });
    await store.replace(read, { ...read.object, status: { certificate: 'AA==' } });
    const lines = server.requests.map(({ line }) => line.split('/').at(-1));
    expect(lines).toEqual(['a', 'approval', 'status']);
  });

  it('is listed page by page, each item with its kind', async () => {
    server.answer = ({ url = '' }, response) => {
      const isFirst = !url.includes('continue');
      const { apiVersion: _version, kind: _kind, ...item } = SECRET;
      response.end(
        JSON.stringify({
          kind: 'SecretList',
          items: isFirst ? [item] : null,
          metadata: isFirst ? { continue: 'a+b/c=' } : {},
        }),
      );
    };
    const found: StoredObject[] = [];
    for await (const each of store.list(Secret)) found.push(each);
    expect(found.map(({ object }) => object)).toEqual([SECRET]);
    expect(server.requests.map(({ line }) => line)).toEqual([
      'GET /api/v1/secrets?limit=500',
      'GET /api/v1/secrets?limit=500&continue=a%2Bb%2Fc%3D',
    ]);
  });

  it.each<readonly [string, unknown]>([
    ['null', null],
    ['a number', 7],
    ['no object at all', {}],
    ['an item without a name', { ...SECRET, metadata: { ...SECRET.metadata, name: undefined } }],
    ['a name with a path', { ...SECRET, metadata: { ...SECRET.metadata, name: '../etc' } }],
    ['a name of a megabyte', { ...SECRET, metadata: { ...SECRET.metadata, name: 'x'.repeat(2 ** 20) } }],
    ['a name with control characters', { ...SECRET, metadata: { ...SECRET.metadata, name: 'x\u001b[2J' } }],
    ['a number as a label', { ...SECRET, metadata: { ...SECRET.metadata, labels: { a: 1 } } }],
    ['owners that are an object', { ...SECRET, metadata: { ...SECRET.metadata, ownerReferences: {} } }],
    ['a uid with a path', { ...SECRET, metadata: { ...SECRET.metadata, uid: '../../etc' } }],
    ['another namespace', { ...SECRET, metadata: { ...SECRET.metadata, namespace: 'other' } }],
    ['no namespace', { ...SECRET, metadata: { ...SECRET.metadata, namespace: undefined } }],
    ['the same object twice', SECRET],
  ])('is listed although another item of the list is %s, which is reported', async (_what, odd) => {
    const last = { ...SECRET, metadata: { ...SECRET.metadata, name: 'z' } };
    server.answer = replying(200, { kind: 'SecretList', items: [SECRET, odd, last], metadata: {} });
    const failures: Error[] = [];
    const found: string[] = [];
    const onUnreadable = (failure: Error): void => void failures.push(failure);
    for await (const { object } of store.list(Secret, { namespace: 'default', onUnreadable })) {
      found.push(object.metadata.name);
    }
    expect(found).toEqual(['a', 'z']);
    expect(failures).toHaveLength(1);
    expect(describeUnreadable(failures[0] ?? new Error('none')).length).toBeLessThan(400);
    await expect(async () => {
      for await (const each of store.list(Secret, { namespace: 'default' })) found.push(each.revision);
    }).rejects.toMatchObject({ name: 'ObjectError' });
  });

  it.each([
    ['another name', { name: 'b' }],
    ['another namespace', { namespace: 'other' }],
    ['labels of another type', { labels: 'x' }],
  ])('is not taken from an answer with %s', async (_what, metadata) => {
    server.answer = replying(200, { ...SECRET, metadata: { ...SECRET.metadata, ...metadata } });
    await expectCode(store.get(REFERENCE), 'OBJECT_UNREADABLE');
  });

  it.each([
    ['text', 'ok'],
    ['another kind', { ...SECRET, kind: 'ConfigMap' }],
    ['nothing', 'null'],
  ])('is not taken from an answer that is %s', async (_what, body) => {
    server.answer = replying(200, body);
    await expect(store.get(REFERENCE)).rejects.toMatchObject({ name: 'ObjectError' });
  });
});

describe('a refusal of the API server', () => {
  it.each([
    [400, status('BadRequest'), 'OBJECT_INVALID'],
    [401, status('Unauthorized'), 'OBJECT_CREDENTIALS_INVALID'],
    [403, status('Forbidden'), 'OBJECT_FORBIDDEN'],
    [404, '404 page not found: hunter2', 'OBJECT_KIND_UNKNOWN'],
    [404, status('NotFound', {}), 'OBJECT_KIND_UNKNOWN'],
    [405, status('MethodNotAllowed'), 'OBJECT_KIND_UNKNOWN'],
    [409, status('AlreadyExists', { name: 'a' }), 'OBJECT_EXISTS'],
    [409, status('Conflict', { name: 'a' }), 'OBJECT_CONFLICT'],
    [413, 'hunter2', 'OBJECT_TOO_LARGE'],
    [422, status('Invalid', { causes: [{ field: 'data[a]', message: 'hunter2' }] }), 'OBJECT_INVALID'],
    [422, status('Invalid', { causes: [{ field: 'data', reason: 'FieldValueTooLong' }] }), 'OBJECT_TOO_LARGE'],
    [429, status('TooManyRequests'), 'OBJECT_STORE_UNREACHABLE'],
    [500, status('', {}, 'etcdserver: request is too large'), 'OBJECT_TOO_LARGE'],
    [500, status('InternalError'), 'OBJECT_OUTCOME_UNKNOWN'],
    [504, status('Timeout'), 'OBJECT_OUTCOME_UNKNOWN'],
    [503, status('ServiceUnavailable'), 'OBJECT_STORE_UNREACHABLE'],
    [302, '', 'OBJECT_STORE_FAILED'],
  ])('%i becomes an error code, without text or headers of the response', async (code, body, told) => {
    server.answer = replying(code, body);
    const failure = await expectCode(store.create(Secret, SECRET), told);
    expect(describeError(failure) + JSON.stringify(failure)).not.toContain('hunter2');
    expect(failure.cause).toBeUndefined();
  });

  it('of a read is never an unknown outcome', async () => {
    server.answer = replying(500, status('InternalError'));
    await expectCode(store.get(REFERENCE), 'OBJECT_STORE_FAILED');
  });

  it('names the invalid fields', async () => {
    server.answer = replying(422, status('Invalid', { causes: [{ field: 'metadata.name' }, { field: 'type' }] }));
    expect((await expectCode(store.create(Secret, SECRET), 'OBJECT_INVALID')).message).toContain(
      '(metadata.name, type)',
    );
  });
});

describe('the response to a list request', () => {
  const everySecret = async (): Promise<readonly StoredObject[]> => Array.fromAsync(store.list(Secret));

  it('may have no items', async () => {
    server.answer = replying(200, { kind: 'SecretList', metadata: {}, items: null });
    expect(await everySecret()).toEqual([]);
  });

  it.each([
    ['nothing', null],
    ['an empty object', {}],
    ['one object', SECRET],
    ['a list without items', { kind: 'SecretList' }],
    ['items that are no list', { kind: 'SecretList', items: { a: 1 } }],
    ['an item that is no object', { kind: 'SecretList', items: ['x'] }],
    ['nested for ever', `{"kind":"SecretList","items":${'['.repeat(50_000)}${']'.repeat(50_000)}}`],
    ['an object without a name', { kind: 'SecretList', items: [{ metadata: { resourceVersion: '7' } }] }],
  ])('is not taken for "there are none" when it is %s', async (_, body) => {
    server.answer = replying(200, body);
    await expectCode(everySecret(), 'OBJECT_UNREADABLE');
  });

  it('is refused when it repeats the same page', async () => {
    server.answer = replying(200, { kind: 'SecretList', metadata: { continue: 'next' }, items: [] });
    const failure = await expectCode(everySecret(), 'OBJECT_UNREADABLE');
    expect(failure.message).toContain('the same page');
    expect(server.requests).toHaveLength(2);
  });
});

describe('an API server that does not respond', () => {
  it('times out', async () => {
    server.answer = () => undefined;
    const hasty = connectApiServer(server.access, { timeoutMs: 200 });
    const failure = await expectCode(hasty.get(REFERENCE), 'OBJECT_STORE_UNREACHABLE');
    expect(failure.message).toContain('no answer in time');
    await expectCode(hasty.create(Secret, SECRET), 'OBJECT_OUTCOME_UNKNOWN');
    await hasty.close();
  });

  it('leaves the outcome of a write unknown when it closes the connection, not that of a read', async () => {
    server.answer = (request) => request.socket.destroy();
    await expectCode(store.create(Secret, SECRET), 'OBJECT_OUTCOME_UNKNOWN');
    await expectCode(store.get(REFERENCE), 'OBJECT_STORE_UNREACHABLE');
  });

  it('received no write when the connection was refused', async () => {
    const refusing = connectApiServer({ ...server.access, server: 'https://127.0.0.1:1234' });
    const failure = await expectCode(refusing.create(Secret, SECRET), 'OBJECT_STORE_UNREACHABLE');
    expect(failure.message).toContain('ECONNREFUSED');
    await refusing.close();
  });

  it('can be aborted by a signal', async () => {
    server.answer = () => undefined;
    const reason = new Error('interrupted');
    await expect(store.get(REFERENCE, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    server.answer = () => controller.abort(reason);
    await expect(store.get(REFERENCE, { signal: controller.signal })).rejects.toBe(reason);
  });
});

describe('connections that a host opens', () => {
  it('carry every request, and TLS is verified on top of them', async () => {
    const host = createLocalHost();
    const dialled: string[] = [];
    const dial: typeof host.connect = async (target) => {
      dialled.push(`${target.host}:${target.port}`);
      return host.connect(target);
    };
    server.answer = replying(200, SECRET);
    const through = connectApiServer(server.access, { dial });
    expect((await through.get(REFERENCE))?.object.metadata.name).toBe('a');
    expect(dialled).toEqual([new URL(server.access.server).host]);
    await through.close();
    const expired = await startFakeApiServer(['apiserver']);
    const distrusting = connectApiServer(expired.access, { dial });
    const failure = await expectCode(distrusting.create(Secret, SECRET), 'OBJECT_STORE_UNREACHABLE');
    expect(failure.message).toContain('CERT_HAS_EXPIRED');
    await distrusting.close();
    await expired.close();
  });

  it('are the only ones: a copy of files opens none', async () => {
    const copy = createLocalHost({ filesOnly: true });
    const refused = connectApiServer(server.access, { dial: copy.connect });
    await expectCode(refused.get(REFERENCE), 'OBJECT_STORE_UNREACHABLE');
    await expectCode(refused.create(Secret, SECRET), 'OBJECT_STORE_UNREACHABLE');
    await refused.close();
    expect(server.requests).toEqual([]);
  });

  it('leave no write uncertain when they were not made', async () => {
    const { connect: dial } = createLocalHost();
    const refusing = connectApiServer({ ...server.access, server: 'https://127.0.0.1:1234' }, { dial });
    const failure = await expectCode(refusing.create(Secret, SECRET), 'OBJECT_STORE_UNREACHABLE');
    expect(failure.message).toContain('ECONNREFUSED');
    await refusing.close();
  });
});

describe('the certificate of an API server', () => {
  it('is refused when it has expired, even when the environment disables verification', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const expired = await startFakeApiServer(['apiserver']);
    const other = connectApiServer(expired.access);
    const failure = await expectCode(other.create(Secret, SECRET), 'OBJECT_STORE_UNREACHABLE');
    expect(failure.message).toContain('CERT_HAS_EXPIRED');
    expect(expired.requests).toEqual([]);
    await other.close();
    await expired.close();
  });

  it('is refused when another CA signed it', async () => {
    const key = (await buildPki({ algorithm: 'ecdsa' })).pairs.ca.key;
    const dates = { notBefore: new Date(Date.now() - 1000), notAfter: new Date(Date.now() + 86_400_000) };
    const ca = await issueCertificate({
      subject: '/CN=kubernetes',
      extensions: ['basicConstraints=CA:TRUE'],
      key,
      ...dates,
    });
    const other = connectApiServer({ ...server.access, ca });
    await expectCode(other.get(REFERENCE), 'OBJECT_STORE_UNREACHABLE');
    expect(server.requests).toEqual([]);
    await other.close();
  });
});

describe('a kubeconfig', () => {
  const kubeconfig = (cluster: object = {}, user: object = {}): string => {
    const { server: address, ca, client } = server.access;
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: address, 'certificate-authority-data': base64(ca), ...cluster } }],
      users: [
        {
          name: 'u',
          user: {
            'client-certificate-data': base64(client.certificate),
            'client-key-data': base64(client.key),
            ...user,
          },
        },
      ],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    });
  };

  it('with embedded certificates is accepted, and connections are reused', async () => {
    const sockets = new Set<unknown>();
    server.answer = (request, response) => {
      sockets.add(request.socket);
      response.end(JSON.stringify(SECRET));
    };
    const configured = connectApiServer({ kubeconfig: kubeconfig() });
    for (let round = 0; round < 5; round += 1) await configured.get(REFERENCE);
    expect(sockets.size).toBeLessThan(5);
    await configured.close();
  });

  it.each([
    ['no YAML', () => '{ hunter2'],
    ['no context', () => '{}'],
    ['plain HTTP', () => kubeconfig({ server: 'http://127.0.0.1:1' })],
    ['verification turned off', () => kubeconfig({ 'insecure-skip-tls-verify': true })],
    ['no CA', () => kubeconfig({ 'certificate-authority-data': '' })],
    [
      'a CA in a file',
      () => kubeconfig({ 'certificate-authority-data': undefined, 'certificate-authority': '/etc/passwd' }),
    ],
    ['a key in a file', () => kubeconfig({}, { 'client-key-data': undefined, 'client-key': '/etc/passwd' })],
    [
      'a program to run',
      () => kubeconfig({}, { exec: { apiVersion: 'client.authentication.k8s.io/v1beta1', command: 'touch' } }),
    ],
  ])('with %s is refused', async (_what, text) => {
    const failure = await expectCode(
      connectApiServer({ kubeconfig: text() }).get(REFERENCE),
      'OBJECT_CREDENTIALS_INVALID',
    );
    expect(describeError(failure)).not.toContain('hunter2');
    expect(server.requests).toEqual([]);
  });
});
