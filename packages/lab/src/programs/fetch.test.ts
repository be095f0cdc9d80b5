import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RunningProgram } from './program.fixture.ts';

describe('the program fetch', () => {
  const server = createServer(({ headers, url }, response) => {
    if (url === '/silent') return;
    response.writeHead(url === '/missing' ? 404 : 200);
    response.end(`answer for ${headers.host}`);
  });
  let base: string;
  beforeEach(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  async function run(...args: string[]): Promise<[number | null, string]> {
    const program = new RunningProgram('fetch.ts', args);
    return [await program.ended(), program.log];
  }

  it('prints the response to a request with a given Host header', async () => {
    expect(await run('-H', 'Host: shop.example.test', `${base}/`)).toEqual([0, 'answer for shop.example.test']);
  });

  it('exits 22 for an error status, 7 without an answer in time, 3 for an invalid URL', async () => {
    expect((await run(`${base}/missing`))[0]).toBe(22);
    expect((await run('--max-time=0.3', `${base}/silent`))[0]).toBe(7);
    expect((await run('not a URL'))[0]).toBe(3);
  });
});
