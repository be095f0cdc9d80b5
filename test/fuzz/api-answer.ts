import { canonicalJson, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { connectApiServer } from '@kube-rescue/cluster-objects/api';
import { startFakeApiServer } from '../../packages/cluster-objects/src/api/fake-api-server.fixture.ts';
import type { FuzzTarget } from './fuzz-target.ts';

const { Secret } = RESOURCE_KINDS;
const REFERENCE = { kind: Secret, namespace: 'default', name: 'a' };
const SECRET = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'a', namespace: 'default', uid: 'u', resourceVersion: '7' },
  data: { a: 'b2xk' },
};
const REFUSAL = {
  kind: 'Status',
  reason: 'Invalid',
  message: 'no',
  details: { name: 'a', causes: [{ field: 'data', reason: 'FieldValueTooLong' }] },
};

const opened = startFakeApiServer().then((server) => ({ server, store: connectApiServer(server.access) }));

const STATUSES = [200, 200, 200, 404, 409, 422, 500, 503];

/** An API server that answers every request with the input, over TLS; the first byte selects the request and the status. */
export const answerApi: Pick<FuzzTarget, 'corpus' | 'run'> = {
  corpus: async () =>
    [
      [0, SECRET],
      [1, { kind: 'SecretList', metadata: { continue: '' }, items: [SECRET, SECRET] }],
      [1, { kind: 'SecretList', metadata: { continue: 'next' }, items: [] }],
      [11, REFUSAL],
    ].map(([first, body]) => Buffer.concat([Buffer.of(Number(first)), Buffer.from(JSON.stringify(body))])),
  run: async (input) => {
    const { server, store } = await opened;
    const first = input[0] ?? 0;
    server.answer = (_request, response) => {
      const status = STATUSES[(first >> 1) % STATUSES.length] ?? 200;
      response.writeHead(status, { 'content-type': 'application/json' }).end(input.subarray(1));
    };
    server.requests.length = 0;
    if (first % 2 === 1) {
      for await (const { object } of store.list(Secret)) canonicalJson(object);
      return;
    }
    const read = await store.get(REFERENCE);
    if (read !== undefined) await store.replace(read, { ...read.object, data: { a: 'bmV3' } });
  },
};
