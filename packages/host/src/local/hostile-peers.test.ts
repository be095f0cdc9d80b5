import { once } from 'node:events';
import { createSocket } from 'node:dgram';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeDnsQuery } from '../dns/dns-message.ts';
import { resolveLocally } from './local-dns.ts';
import { requestLocally } from './local-request.ts';

const MIB = 1024 * 1024;
const TIMEOUT_MS = 600;
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createHttpServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const ask = (url: string) => requestLocally({ url, timeoutMs: TIMEOUT_MS });

describe('a hostile HTTP server', () => {
  it('that sends an endless body is left at the bound, in bounded memory', async () => {
    const url = await serve((_request, response) => {
      const send = (): void => {
        if (response.destroyed) return;
        if (response.write(Buffer.alloc(MIB, 'A'))) setImmediate(send);
        else response.once('drain', send);
      };
      send();
    });
    const before = process.memoryUsage().rss;
    await expect(requestLocally({ url, timeoutMs: 20_000 })).rejects.toMatchObject({
      code: 'HOST_ANSWER_TOO_LARGE',
      subject: url,
    });
    expect(process.memoryUsage().rss - before).toBeLessThan(128 * MIB);
  });

  it('that drips is left at the deadline of the whole request', async () => {
    const url = await serve((_request, response) => {
      const timer = setInterval(() => response.write('x'), 20);
      response.once('close', () => clearInterval(timer));
    });
    const started = performance.now();
    await expect(ask(url)).rejects.toMatchObject({ code: 'HOST_CONNECTION_FAILED' });
    expect(performance.now() - started).toBeLessThan(5 * TIMEOUT_MS);
  });

  it('that sends headers without an end is left', async () => {
    const url = await serve(({ socket }) => {
      const timer = setInterval(() => socket.write(`HTTP/1.1 103 Early Hints\r\nx: ${'y'.repeat(1000)}\r\n\r\n`), 2);
      socket.on('error', () => undefined).once('close', () => clearInterval(timer));
    });
    await expect(ask(url)).rejects.toMatchObject({ code: 'HOST_CONNECTION_FAILED' });
    const long = await serve(({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      const timer = setInterval(() => socket.write(`x: ${'y'.repeat(4000)}\r\n`), 2);
      socket.on('error', () => undefined).once('close', () => clearInterval(timer));
    });
    await expect(ask(long)).rejects.toMatchObject({ code: 'HOST_CONNECTION_FAILED' });
  });

  it('that redirects is not followed', async () => {
    let count = 0;
    const url = await serve((_request, response) => {
      count += 1;
      response.writeHead(302, { location: '/again' }).end();
    });
    expect((await ask(url)).status).toBe(302);
    expect(count).toBe(1);
  });

  it('that compresses its answer gets no memory for what it would become', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * MIB));
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb);
    });
    expect((await requestLocally({ url, timeoutMs: 20_000 })).body.length).toBeLessThan(bomb.length + 1);
  });
});

/** A response with one answer for each part, to the query for `a.test`. */
function dnsResponse(id: Buffer, answers: readonly Buffer[], flags = 0x8400): Buffer {
  const query = encodeDnsQuery({ id: 0, name: 'a.test', type: 'A', recursive: true });
  query.writeUInt16BE(flags, 2);
  query.writeUInt16BE(answers.length, 6);
  id.copy(query, 0, 0, 2);
  return Buffer.concat([query, ...answers]);
}

async function serveDns(reply: (query: Buffer) => readonly Buffer[], serveTcp?: (socket: Socket) => void) {
  const udp = createSocket('udp4').bind(0, '127.0.0.1');
  await once(udp, 'listening');
  const { port } = udp.address();
  udp.on('message', (query: Buffer, peer) => {
    for (const each of reply(query)) udp.send(each, peer.port, peer.address);
  });
  cleanups.push(() => udp.close());
  if (serveTcp !== undefined) {
    const tcp = createTcpServer(serveTcp).listen(port, '127.0.0.1');
    await once(tcp, 'listening');
    cleanups.push(() => tcp.close());
  }
  return resolveLocally({ name: 'a.test', type: 'A', server: { address: '127.0.0.1', port }, timeoutMs: TIMEOUT_MS });
}

const FAILED = { code: 'HOST_CONNECTION_FAILED', subject: 'a.test' };
/** An A record for the name at the start of the question. */
const RECORD = Buffer.from('c00c000100010000003c0004c0000201', 'hex');
const TRUNCATED = 0x8600;

describe('a hostile name server', () => {
  it('that answers other questions without an end is left at the deadline', async () => {
    const other = encodeDnsQuery({ id: 0, name: 'b.test', type: 'A', recursive: true });
    await expect(serveDns(() => Array.from({ length: 200 }, () => other))).rejects.toMatchObject(FAILED);
  });

  it('that drips over TCP is left at the deadline', async () => {
    const drip = (socket: Socket): void => {
      socket.write(Buffer.of(0xff, 0xff));
      const timer = setInterval(() => socket.write('x'), 10);
      socket.on('error', () => undefined).once('close', () => clearInterval(timer));
    };
    await expect(serveDns((query) => [dnsResponse(query, [], TRUNCATED)], drip)).rejects.toMatchObject(FAILED);
  });

  it('that sends more over TCP than a message holds is left at its end', async () => {
    const flood = (socket: Socket): void => {
      socket.on('error', () => undefined);
      socket.write(Buffer.concat([Buffer.of(0xff, 0xff), Buffer.alloc(4 * MIB)]));
    };
    await expect(serveDns((query) => [dnsResponse(query, [], TRUNCATED)], flood)).rejects.toMatchObject(FAILED);
  });

  it('that says truncated over TCP again is not asked again', async () => {
    let count = 0;
    const again = (socket: Socket): void => {
      count += 1;
      socket.once('data', (query: Buffer) => {
        const message = dnsResponse(query.subarray(2), [RECORD], TRUNCATED);
        socket.end(Buffer.concat([Buffer.of(message.length >> 8, message.length & 255), message]));
      });
    };
    await expect(serveDns((query) => [dnsResponse(query, [], TRUNCATED)], again)).resolves.toMatchObject({
      status: 'found',
    });
    expect(count).toBe(1);
  });

  it('that makes long names of few bytes is refused', async () => {
    // One name of 4 labels of 63 bytes; every record points to it, each with a label more.
    const label = Buffer.concat([Buffer.of(63), Buffer.alloc(63, 'a')]);
    const long = Buffer.concat([label, label, label, label, Buffer.of(0), RECORD.subarray(2)]);
    await expect(serveDns((query) => [dnsResponse(query, [long])])).rejects.toMatchObject(FAILED);
  });

  it('that answers with a chain of aliases gets one question, and its chain is returned as it is', async () => {
    const alias = Buffer.from('c00c000500010000003c0002c00c', 'hex');
    let count = 0;
    const answer = await serveDns((query) => {
      count += 1;
      return [
        dnsResponse(
          query,
          Array.from({ length: 1000 }, () => alias),
        ),
      ];
    });
    expect([count, answer.records.length]).toEqual([1, 1000]);
  });
});
