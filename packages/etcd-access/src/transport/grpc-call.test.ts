import { createLocalHost, systemClock } from '@kube-rescue/host';
import { expectCode } from '@kube-rescue/testing';
import { once } from 'node:events';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { create, toBinary } from '@bufbuild/protobuf';
import { afterEach, describe, expect, it } from 'vitest';
import { openEtcd } from '../client/open-etcd.ts';
import { type EtcdClient } from '../client/etcd-client.ts';
import { RangeResponseSchema, SnapshotResponseSchema } from '../generated/etcd_pb.ts';
import { frameMessage } from './grpc-message.ts';

const REQUEST_TIMEOUT_MS = 500;
const GRPC = { ':status': 200, 'content-type': 'application/grpc' };
const key = new TextEncoder().encode('/a');
const answer = frameMessage(toBinary(RangeResponseSchema, create(RangeResponseSchema, { count: 1n })));
const piece = frameMessage(
  toBinary(SnapshotResponseSchema, create(SnapshotResponseSchema, { blob: new Uint8Array(64 * 1024) })),
);

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A client of a server that handles each request with `respond`. */
async function serve(respond: (stream: ServerHttp2Stream) => void): Promise<{ client: EtcdClient; url: string }> {
  const server = createServer();
  server.on('sessionError', () => undefined);
  server.on('stream', (stream) => {
    stream.on('error', () => undefined);
    respond(stream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = await openEtcd(
    { endpoints: [url], connectTimeoutMs: 10_000, requestTimeoutMs: REQUEST_TIMEOUT_MS },
    { host: createLocalHost(), clock: systemClock },
  );
  cleanups.push(
    () => client.close(),
    () => server.close(),
  );
  return { client, url };
}

function finish(stream: ServerHttp2Stream, body: Uint8Array = answer): void {
  stream.respond(GRPC, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(body);
}

describe('a call', () => {
  it('uses a new connection after the server has sent GOAWAY', async () => {
    const sessions = new Set<unknown>();
    const { client } = await serve((stream) => {
      sessions.add(stream.session);
      // The client reads this before the response.
      stream.session?.goaway();
      finish(stream);
    });
    for (let call = 0; call < 3; call += 1) expect((await client.range({ start: key })).count).toBe(1n);
    expect(sessions.size).toBe(3);
  });

  it('refused by the server is known to have changed nothing', async () => {
    const { client } = await serve((stream) => stream.close(7));
    await expectCode(client.compareAndSwap({ key, modRevision: 0n, value: key }), 'ETCD_UNREACHABLE');
  });

  it('aborted by the server may have changed something', async () => {
    const { client } = await serve((stream) => stream.close(2));
    await expectCode(client.compareAndSwap({ key, modRevision: 0n, value: key }), 'ETCD_OUTCOME_UNKNOWN');
  });

  it('with an undecodable response may have changed something', async () => {
    const { client } = await serve((stream) => finish(stream, frameMessage(Uint8Array.of(255, 255, 255))));
    await expectCode(client.compareAndSwap({ key, modRevision: 0n, value: key }), 'ETCD_OUTCOME_UNKNOWN');
  });

  it('times out when the response never ends', async () => {
    const { client } = await serve((stream) => stream.respond(GRPC));
    await expectCode(client.get(key), 'ETCD_TIMEOUT');
  });

  it('is cancelled at the server when the caller is interrupted', async () => {
    const closed = Promise.withResolvers<number>();
    const asked = Promise.withResolvers<void>();
    const { client } = await serve((stream) => {
      stream.on('close', () => closed.resolve(stream.rstCode));
      asked.resolve();
    });
    const reason = new Error('interrupted');
    const interrupt = new AbortController();
    const read = client.get(key, { signal: interrupt.signal });
    await asked.promise;
    interrupt.abort(reason);
    await expect(read).rejects.toBe(reason);
    expect(await closed.promise).toBe(8);
  });
});

describe('a stream of responses', () => {
  it('applies backpressure for a slow reader', async () => {
    let sent = 0;
    const { client, url } = await serve((stream) => {
      stream.respond(GRPC);
      const send = (): void => {
        while (!stream.destroyed && stream.write(piece)) sent += piece.length;
        sent += piece.length;
        if (!stream.destroyed) stream.once('drain', send);
      };
      send();
    });
    const pieces = client.snapshot(url)[Symbol.asyncIterator]();
    await pieces.next();
    // The reader is slower than the request timeout: only waiting for the server counts.
    await systemClock.sleep(2 * REQUEST_TIMEOUT_MS);
    expect(sent).toBeLessThan(16 * 1024 * 1024);
    expect((await pieces.next()).done).toBe(false);
    await pieces.return?.();
  });

  it('times out when no more data arrives', async () => {
    const { client, url } = await serve((stream) => {
      stream.respond(GRPC);
      stream.write(piece);
    });
    await expectCode(Array.fromAsync(client.snapshot(url)), 'ETCD_TIMEOUT');
  });

  it('that ends early fails', async () => {
    const { client, url } = await serve((stream) => {
      stream.respond(GRPC);
      stream.end(piece.subarray(0, 1000));
    });
    await expectCode(Array.fromAsync(client.snapshot(url)), 'ETCD_UNREACHABLE');
  });
});
