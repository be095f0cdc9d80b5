import { createFixedClock } from '@kube-rescue/testing';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLocalHost, type Host, HostError, type HttpProbe, systemClock } from './index.ts';
import { measureSilence } from './silence.ts';
import { createReadCache } from './read-cache.ts';

let server: Server;
let connections = 0;
let url = '';

beforeAll(async () => {
  // Takes connections and says nothing, like an API server whose etcd does not answer.
  server = createServer((socket) => {
    connections += 1;
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  url = `https://127.0.0.1:${port}`;
});
afterAll(() => server.close());

describe('a server that takes connections and does not answer', () => {
  it('costs one time-out a session, for all of its paths', async () => {
    const clock = createFixedClock('2026-11-22T12:00:00Z');
    const local = createLocalHost();
    const { host, endSession, uncached } = createReadCache({ host: local, clock });
    const ask = (path: string, from: Pick<Host, 'request'> = host) =>
      from.request({ url: `${url}${path}`, timeoutMs: 100 });
    const silent = { code: 'HOST_CONNECTION_FAILED', message: expect.stringContaining('no response within 100 ms') };
    await expect(ask('/readyz')).rejects.toMatchObject(silent);
    const first = connections;
    await expect(ask('/healthz')).rejects.toMatchObject(silent);
    await expect(ask('/api/v1/nodes')).rejects.toMatchObject(silent);
    expect(connections).toBe(first);
    const slower = { url: `${url}/readyz`, timeoutMs: 200 };
    await expect(host.request(slower), 'more time is given to a slow server').rejects.toMatchObject({
      message: expect.stringContaining('no response within 200 ms'),
    });
    expect(connections).toBe(first + 1);
    clock.advance(15_000);
    await expect(ask('/readyz')).rejects.toMatchObject(silent);
    expect(connections, 'the memory is short').toBe(first + 2);
    endSession();
    await expect(ask('/readyz')).rejects.toMatchObject(silent);
    expect(connections, 'a step or a sleep may have changed it').toBe(first + 3);
    await expect(uncached(() => ask('/readyz'))).rejects.toMatchObject(silent);
    expect(connections, 'a proof asks each time').toBe(first + 4);
  });

  it('stays known while programs run and locks are taken, until the next wait', async () => {
    const clock = createFixedClock('2026-11-22T12:00:00Z');
    const cache = createReadCache({ host: createLocalHost(), clock });
    const silent = { message: expect.stringContaining('no response within 100 ms') };
    const ask = () => cache.host.request({ url: `${url}/readyz`, timeoutMs: 100 });
    await expect(ask()).rejects.toMatchObject(silent);
    const first = connections;
    await cache.host.exec(['true'], { timeoutMs: 10_000 });
    await expect(ask()).rejects.toMatchObject(silent);
    expect(connections).toBe(first);
    await cache.clock.sleep(1);
    await expect(ask()).rejects.toMatchObject(silent);
    expect(connections).toBe(first + 1);
  });

  it('costs one time-out for requests at the same time: the later ones fail with the first', async () => {
    const { host } = createReadCache({ host: createLocalHost(), clock: createFixedClock('2026-11-22T12:00:00Z') });
    const ask = (timeoutMs: number) => host.request({ url: `${url}/readyz`, timeoutMs });
    const [first, later, longer] = await Promise.allSettled([ask(200), ask(200), ask(300)]);
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'HOST_CONNECTION_FAILED' } });
    expect((later as PromiseRejectedResult).reason).toBe((first as PromiseRejectedResult).reason);
    expect(longer).toMatchObject({ reason: { message: expect.stringContaining('no response within 300 ms') } });
  });

  it('is not one that refuses the connection', async () => {
    const clock = createFixedClock('2026-11-22T12:00:00Z');
    let asked = 0;
    const local = createLocalHost();
    const counted: Host = {
      ...local,
      request: (probe) => {
        asked += 1;
        return local.request(probe);
      },
    };
    const { host } = createReadCache({ host: counted, clock });
    for (const path of ['/readyz', '/healthz']) {
      await expect(host.request({ url: `https://127.0.0.1:1${path}`, timeoutMs: 1000 })).rejects.toMatchObject({
        code: 'HOST_CONNECTION_FAILED',
      });
    }
    expect(asked).toBe(2);
  });

  it('costs as long as it was asked, once for requests at the same time', async () => {
    const local = createLocalHost();
    const { host, seconds } = measureSilence(local, systemClock);
    const request = { url: `${url}/readyz`, timeoutMs: 300 };
    await Promise.allSettled([host.request(request), host.request(request)]);
    expect(seconds()).toBeGreaterThan(0.25);
    const silent = seconds();
    const refused = { url: 'https://127.0.0.1:1/readyz', timeoutMs: 300 };
    await expect(host.request(refused)).rejects.toMatchObject({ code: 'HOST_CONNECTION_FAILED' });
    expect(seconds(), 'a refusal is no silence').toBe(silent);
    await host.request(request).catch(() => undefined);
    expect(seconds()).toBeGreaterThan(silent + 0.25);
  });

  it('counts the time of requests that overlap once', async () => {
    const clock = createFixedClock('2026-11-22T12:00:00Z');
    const rejects: (() => void)[] = [];
    const silence = new HostError({
      code: 'HOST_CONNECTION_FAILED',
      message: 'no response',
      cause: new DOMException('', 'TimeoutError'),
    });
    const { host, seconds } = measureSilence(
      { request: (_probe: HttpProbe) => new Promise<never>((_resolve, reject) => rejects.push(() => reject(silence))) },
      clock,
    );
    const asked = [host.request({ url, timeoutMs: 1 })];
    clock.advance(1000);
    asked.push(host.request({ url, timeoutMs: 1 }));
    clock.advance(2000);
    rejects[0]?.();
    await Promise.allSettled(asked.slice(0, 1));
    clock.advance(4000);
    rejects[1]?.();
    await Promise.allSettled(asked);
    expect(seconds()).toBe(7);
  });
});
