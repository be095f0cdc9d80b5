import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { createLocalHost, hostPath, joinPath, systemClock } from '@kube-rescue/host';
import { expectCode } from '@kube-rescue/testing';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { EtcdClient } from '../client/etcd-client.ts';
import { openEtcd } from '../client/open-etcd.ts';
import { saveSnapshot } from '../client/snapshot.ts';
import {
  KeyValueSchema,
  RangeRequestSchema,
  RangeResponseSchema,
  SnapshotResponseSchema,
  StatusResponseSchema,
} from '../generated/etcd_pb.ts';
import { frameMessage } from './grpc-message.ts';

const MIB = 1024 * 1024;
const TIMEOUT_MS = 1000;
const GRPC = { ':status': 200, 'content-type': 'application/grpc' };
const EMPTY = frameMessage(new Uint8Array());
const text = new TextEncoder();
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

type Respond = (stream: ServerHttp2Stream, message: Buffer, path: string) => void;

/** A server in place of a member; `respond` gets the request of each call. */
async function serve(respond: Respond): Promise<{ client: EtcdClient; url: string }> {
  const server = createServer();
  server.on('sessionError', () => undefined);
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.once('end', () => respond(stream, Buffer.concat(chunks).subarray(5), String(headers[':path'])));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const options = { endpoints: [url], connectTimeoutMs: 10_000, requestTimeoutMs: TIMEOUT_MS };
  const client = await openEtcd(options, { host: createLocalHost(), clock: systemClock });
  cleanups.push(
    () => client.close(),
    () => server.close(),
  );
  return { client, url };
}

function finish(stream: ServerHttp2Stream, body: Uint8Array): void {
  stream.respond(GRPC, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(body);
}

/** Sends `chunk` as fast as the client reads it. */
function flood(stream: ServerHttp2Stream, chunk: Uint8Array): void {
  stream.respond(GRPC);
  const send = (): void => {
    if (stream.destroyed || stream.closed) return;
    if (stream.write(chunk)) setImmediate(send);
    else stream.once('drain', send);
  };
  send();
}

function drip(stream: ServerHttp2Stream, chunk: Uint8Array): void {
  stream.respond(GRPC);
  const timer = setInterval(() => stream.write(chunk), 50);
  stream.once('close', () => clearInterval(timer));
}

const PREFIX_OF_200_MIB = Buffer.of(0, 0x0c, 0x80, 0, 0);

describe('a hostile member', () => {
  it.each<readonly [string, Respond, string]>([
    [
      'many responses to one request',
      (stream) => flood(stream, Buffer.concat(Array(1000).fill(EMPTY))),
      'ETCD_NOT_ETCD',
    ],
    ['a message larger than any', (stream) => flood(stream, Buffer.of(0, 0xff, 0xff, 0xff, 0xff)), 'ETCD_TOO_LARGE'],
    ['compression', (stream) => flood(stream, Buffer.of(1, 0, 0, 0, 9)), 'ETCD_NOT_ETCD'],
    ['a small message slowly', (stream) => drip(stream, Buffer.of(0, 0, 0, 0, 200)), 'ETCD_TIMEOUT'],
    [
      'the start of a large message, then a byte now and then',
      (stream) => drip(stream, PREFIX_OF_200_MIB),
      'ETCD_TIMEOUT',
    ],
    [
      'a redirect',
      (stream) => stream.respond({ ':status': 302, location: 'http://x/' }, { endStream: true }),
      'ETCD_NOT_ETCD',
    ],
  ])('that sends %s is left with an error, in time and in bounded memory', async (_what, respond, code) => {
    const { client, url } = await serve(respond);
    const before = process.memoryUsage().rss;
    const started = performance.now();
    const failure = await expectCode(client.status(url), code);
    expect(failure.subject).toContain(new URL(url).host);
    expect(performance.now() - started).toBeLessThan(5 * TIMEOUT_MS);
    expect(process.memoryUsage().rss - before).toBeLessThan(128 * MIB);
  });

  it.each<readonly [string, Respond, string]>([
    ['drips', (stream) => drip(stream, EMPTY), 'ETCD_TIMEOUT'],
    [
      'sends empty messages without an end',
      (stream) => flood(stream, Buffer.concat(Array(1000).fill(EMPTY))),
      'ETCD_NOT_ETCD',
    ],
  ])('whose snapshot %s is left with an error', async (_what, respond, code) => {
    const { client, url } = await serve(respond);
    const started = performance.now();
    const read = async (): Promise<void> => {
      for await (const piece of client.snapshot(url)) expect(piece.length).toBe(0);
    };
    await expectCode(read(), code);
    expect(performance.now() - started).toBeLessThan(10 * TIMEOUT_MS);
  });

  it('whose snapshot is larger than the disk is left before the disk is full, and no file is left', async () => {
    const blob = new Uint8Array(MIB);
    const piece = frameMessage(toBinary(SnapshotResponseSchema, create(SnapshotResponseSchema, { blob })));
    const status = create(StatusResponseSchema, { version: '3.5.0', dbSize: 1000n });
    const { client } = await serve((stream, _message, call) => {
      if (call.endsWith('Status')) finish(stream, frameMessage(toBinary(StatusResponseSchema, status)));
      else flood(stream, piece);
    });
    const directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-hostile-'));
    cleanups.push(() => rm(directory, { recursive: true }));
    const local = createLocalHost();
    let written = 0;
    // A disk of 300 MiB.
    const host = { ...local, freeBytes: async () => 300 * MIB - written };
    const onProgress = ({ bytes }: { readonly bytes: number }): void => void (written = bytes);
    const target = joinPath(hostPath(directory), 'snapshot.db');
    const before = process.memoryUsage().rss;
    const failure = await expectCode(saveSnapshot({ target, onProgress }, { client, host }), 'ETCD_SNAPSHOT_NO_SPACE');
    expect(failure.message).toContain('has sent');
    expect(written).toBeLessThan(300 * MIB);
    expect(process.memoryUsage().rss - before).toBeLessThan(256 * MIB);
    expect(await readdir(directory)).toEqual([]);
  });

  const entryOf = (key: string) => create(KeyValueSchema, { key: text.encode(key), value: new Uint8Array(10) });
  const page = (keys: readonly string[], more = true) =>
    frameMessage(
      toBinary(RangeResponseSchema, create(RangeResponseSchema, { kvs: keys.map(entryOf), more, count: 1_000_000n })),
    );

  it.each<readonly [string, (start: string) => Uint8Array]>([
    ['pages without keys', () => page([])],
    ['the same page', () => page(['/a/1', '/a/2'])],
    ['keys out of order', () => page(['/a/2', '/a/1'])],
    ['the same key twice', () => page(['/a/1', '/a/1'])],
    ['keys outside of the range', () => page(['/z'])],
  ])('that answers a listing with %s is left', async (_what, answer) => {
    const { client } = await serve((stream, message) => {
      const { key } = fromBinary(RangeRequestSchema, message);
      finish(stream, answer(Buffer.from(key).toString()));
    });
    let count = 0;
    const read = async (): Promise<void> => {
      for await (const { entries } of client.list(text.encode('/a/'))) count += entries.length;
    };
    await expectCode(read(), 'ETCD_CORRUPT');
    expect(count).toBeLessThan(10);
  });
});
