import { expectCode } from '@kube-rescue/testing';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RESOURCE_KINDS } from '../objects/resource-kind.ts';
import type { AnswerBounds } from './answer-bounds.ts';
import { type ApiObjectStore, connectApiServer } from './api-object-store.ts';
import { type FakeApiServer, replying, startFakeApiServer } from './fake-api-server.fixture.ts';

const { Node } = RESOURCE_KINDS;
const MIB = 1024 * 1024;
const REFERENCE = { kind: Node, name: 'a' };
const itemOf = (name: string, fields: object = {}) => ({ metadata: { name, resourceVersion: '7' }, ...fields });
const NODE = { apiVersion: 'v1', kind: 'Node', ...itemOf('a') };

/** It has a certificate of the cluster's CA: an API server, or a proxy with its key. */
let server: FakeApiServer;
const stores: ApiObjectStore[] = [];

beforeEach(async () => {
  server = await startFakeApiServer();
});

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  await server.close();
});

function connect(bounds: Partial<AnswerBounds> = {}, timeoutMs = 5000): ApiObjectStore {
  const store = connectApiServer(server.access, { timeoutMs, bounds });
  stores.push(store);
  return store;
}

async function listAll(store: ApiObjectStore, onUnreadable?: () => void): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { object } of store.list(Node, { onUnreadable })) names.push(object.metadata.name);
  return names;
}

/** Sends chunks as fast as the client reads them, until it hangs up. */
function sendWithoutEnd(chunk: Buffer): FakeApiServer['answer'] {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"kind":"NodeList","items":["');
    const send = (): void => {
      if (response.destroyed) return;
      if (response.write(chunk)) setImmediate(send);
      else response.once('drain', send);
    };
    send();
  };
}

describe('a hostile API server', () => {
  it('that sends an endless body is left at the bound, in bounded memory', async () => {
    server.answer = sendWithoutEnd(Buffer.alloc(MIB, 'A'));
    const before = process.memoryUsage().rss;
    const failure = await expectCode(connect().get(REFERENCE), 'OBJECT_ANSWER_TOO_LARGE');
    expect(failure.message).toBe('the API server sends an answer without an end; the bound is 64 MiB');
    expect(failure.subject).toBe('Node a');
    expect(process.memoryUsage().rss - before).toBeLessThan(256 * MIB);
  });

  it('that sends an endless body to a change leaves its outcome unknown', async () => {
    server.answer = replying(200, NODE);
    const store = connect({ bodyBytes: MIB });
    const read = await store.get(REFERENCE);
    if (read === undefined) throw new Error('the node is missing');
    server.answer = sendWithoutEnd(Buffer.alloc(MIB, 'A'));
    await expectCode(store.replace(read, { ...read.object, spec: {} }), 'OBJECT_OUTCOME_UNKNOWN');
  });

  it('that drips is left at the deadline of the whole call', async () => {
    server.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const timer = setInterval(() => response.write(' '), 50);
      response.once('close', () => clearInterval(timer));
    };
    // Otherwise it would never end.
    await expectCode(connect({}, 1000).get(REFERENCE), 'OBJECT_STORE_UNREACHABLE');
  });

  it.each([301, 302, 303, 307, 308])(
    'that redirects (%i) gets no second request, and no other host one',
    async (code) => {
      const other = await startFakeApiServer();
      try {
        server.answer = (_request, response) => {
          response.writeHead(code, { location: `${other.access.server}/api/v1/nodes/a` }).end();
        };
        await expectCode(connect().get(REFERENCE), 'OBJECT_STORE_FAILED');
        server.answer = (request, response) => response.writeHead(code, { location: request.url }).end();
        await expectCode(connect().get(REFERENCE), 'OBJECT_STORE_FAILED');
        expect(server.requests).toHaveLength(2);
        expect(other.requests).toEqual([]);
      } finally {
        await other.close();
      }
    },
  );

  it('that compresses its answer is refused: a small answer may become a large one', async () => {
    const bomb = gzipSync(Buffer.alloc(128 * MIB, ' '));
    server.answer = (request, response) => {
      expect(request.headers['accept-encoding']).toBeUndefined();
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(bomb);
    };
    const before = process.memoryUsage().rss;
    await expectCode(connect().get(REFERENCE), 'OBJECT_UNREADABLE');
    expect(process.memoryUsage().rss - before).toBeLessThan(128 * MIB);
  });

  it('that sends headers without an end is left', async () => {
    server.answer = ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      const timer = setInterval(() => socket.write(`x-${Math.random()}: ${'y'.repeat(4000)}\r\n`), 1);
      socket.on('error', () => undefined).once('close', () => clearInterval(timer));
    };
    await expectCode(connect().get(REFERENCE), 'OBJECT_STORE_UNREACHABLE');
  });

  it.each<readonly [string, Partial<AnswerBounds>, string]>([
    ['pages', { listPages: 20 }, '20 pages'],
    ['objects', { listObjects: 30 }, '30 objects'],
    ['bytes', { listBytes: 64 * 1024 }, '65536 bytes'],
    ['seconds', { listMs: 20 }, '0.02 s'],
  ])('that continues a list with changing tokens is left at the bound of %s', async (_what, bounds, text) => {
    let count = 0;
    server.answer = (_request, response) => {
      count += 1;
      const items = [itemOf(`n${count}a`, { spec: { x: 'y'.repeat(2000) } }), itemOf(`n${count}b`)];
      const body = { kind: 'NodeList', metadata: { continue: `t${count}` }, items };
      setTimeout(() => response.end(JSON.stringify(body)), 2);
    };
    const failure = await expectCode(listAll(connect(bounds)), 'OBJECT_ANSWER_TOO_LARGE');
    expect(failure.message).toBe(`the API server sends a list without an end; the bound is ${text}`);
  });

  it('that continues with empty pages is left at the bound', async () => {
    let count = 0;
    server.answer = (_request, response) => {
      response.end(JSON.stringify({ kind: 'NodeList', metadata: { continue: `t${(count += 1)}` }, items: [] }));
    };
    await expectCode(listAll(connect({ listPages: 50 })), 'OBJECT_ANSWER_TOO_LARGE');
    expect(count).toBe(51);
  });

  it('that continues in a circle is noticed', async () => {
    let count = 0;
    server.answer = (_request, response) => {
      const token = `t${(count += 1) % 3}`;
      response.end(JSON.stringify({ kind: 'NodeList', metadata: { continue: token }, items: [] }));
    };
    await expectCode(listAll(connect()), 'OBJECT_UNREADABLE');
    expect(count).toBe(4);
  });

  it('that sends unreadable objects without an end is left at the bound of failures', async () => {
    let count = 0;
    server.answer = (_request, response) => {
      const items = Array.from({ length: 100 }, () => ({ metadata: 7 }));
      response.end(JSON.stringify({ kind: 'NodeList', metadata: { continue: `t${(count += 1)}` }, items }));
    };
    let failures = 0;
    const listing = listAll(connect({ listFailures: 1000 }), () => void (failures += 1));
    await expectCode(listing, 'OBJECT_ANSWER_TOO_LARGE');
    expect(failures).toBe(1000);
  });
});

describe('a page beyond the bound of an answer', () => {
  it('is asked for again in smaller parts: objects may be large', async () => {
    const names = Array.from({ length: 40 }, (_each, index) => `n${String(index).padStart(2, '0')}`);
    server.answer = ({ url = '' }, response) => {
      const query = new URL(url, 'https://x').searchParams;
      const from = Number(query.get('continue') ?? 0);
      const to = from + Number(query.get('limit'));
      const items = names.slice(from, to).map((name) => itemOf(name, { spec: { x: 'y'.repeat(100_000) } }));
      const metadata = to < names.length ? { continue: String(to) } : {};
      response.end(JSON.stringify({ kind: 'NodeList', metadata, items }));
    };
    expect(await listAll(connect({ bodyBytes: MIB }))).toEqual(names);
  });
});
