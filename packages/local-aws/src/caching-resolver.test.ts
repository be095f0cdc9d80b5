import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, expect, it } from 'vitest';
import { startCachingResolver } from './caching-resolver.ts';

const LOOPBACK = '127.0.0.1';
/** A query for the addresses of `a.test` (RFC 1035, section 4.1). */
const QUERY = Buffer.from(
  '\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x04test\x00\x00\x01\x00\x01',
  'latin1',
);

const upstream = createSocket('udp4').bind(0, LOOPBACK);
await once(upstream, 'listening');
const client = createSocket('udp4');
const received: Buffer[] = [];
client.on('message', (message) => received.push(message));
afterEach(() => {
  upstream.close();
  client.close();
});

it('a resolver that is stopped while a query is pending sends no answer', async () => {
  const upstreamEndpoint = { address: LOOPBACK, port: upstream.address().port };
  const resolver = await startCachingResolver({ address: LOOPBACK, port: 0 }, () => upstreamEndpoint);
  const ask = async (): Promise<() => void> => {
    const asked = once(upstream, 'message') as Promise<[Buffer, RemoteInfo]>;
    client.send(QUERY, resolver.port, LOOPBACK);
    const [query, { port }] = await asked;
    return () => upstream.send(query, port, LOOPBACK);
  };
  const answered = once(client, 'message');
  (await ask())();
  await answered;
  expect(received).toHaveLength(1);

  const answerLate = await ask();
  await resolver.stop();
  answerLate();
  const next = once(client, 'message');
  upstream.send('end', client.address().port, LOOPBACK);
  await next;
  expect(received.slice(1).map(String)).toEqual(['end']);
});
