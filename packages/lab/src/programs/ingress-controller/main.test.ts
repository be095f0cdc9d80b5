import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeCluster } from '../fake-cluster.fixture.ts';
import { RunningProgram } from '../program.fixture.ts';

const INGRESSES = '/apis/networking.k8s.io/v1/ingresses';

describe('the program ingress-controller', () => {
  let directory: string;
  let cluster: FakeCluster;
  let backend: Server;
  let controller: RunningProgram;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'ingress-'));
    cluster = await FakeCluster.start(directory);
    backend = createServer((incoming, response) => {
      incoming.resume();
      response.end(`${incoming.method} ${incoming.headers.host} ${incoming.url}`);
    });
    backend.listen(0, '127.0.0.1');
    await once(backend, 'listening');
    const { port } = backend.address() as AddressInfo;
    const service = {
      metadata: { name: 'web', namespace: 'default' },
      spec: { clusterIP: '127.0.0.1', ports: [{ port }] },
    };
    cluster.objects.set('/api/v1/services', { items: [service] });
    setIngress('shop.example.test', port);
    controller = new RunningProgram(
      'ingress-controller/main.ts',
      ['--http-port=0', '--healthz-port=0'],
      cluster.environment,
    );
  });
  afterEach(async () => {
    await controller.stop('SIGKILL');
    backend.close();
    await cluster.stop();
    await rm(directory, { recursive: true });
  });

  function setIngress(host: string, number: number): void {
    const rules = [{ host, http: { paths: [{ path: '/', backend: { service: { name: 'web', port: { number } } } }] } }];
    cluster.objects.set(INGRESSES, { items: [{ metadata: { name: 'shop', namespace: 'default' }, spec: { rules } }] });
  }

  async function ask(host: string, method = 'GET'): Promise<string> {
    const port = await controller.saying(/Serving HTTP on port (\d+)/);
    const asked = request({ host: '127.0.0.1', port, method, path: '/a?b', headers: { host } });
    asked.end();
    const [response] = await once(asked, 'response');
    const chunks: Buffer[] = await Array.fromAsync(response as AsyncIterable<Buffer>);
    return `${response.statusCode} ${Buffer.concat(chunks).toString().trim()}`;
  }

  it('sends a request to the Service of its host, answers 404 for other hosts, and is healthy', async () => {
    await controller.saying(/Serving the hosts: shop\.example\.test/);
    expect(await ask('shop.example.test')).toBe('200 GET shop.example.test /a?b');
    expect(await ask('shop.example.test', 'POST')).toBe('200 POST shop.example.test /a?b');
    expect(await ask('other.example.test')).toBe('404 default backend - 404');
    const health = await controller.saying(/Serving \/healthz on port (\d+)/);
    expect((await fetch(`http://127.0.0.1:${health}/healthz`)).status).toBe(200);
    expect(await controller.stop()).toBe(0);
  });

  it('follows the Ingresses, and answers 502 or 503 for a missing backend', async () => {
    await controller.saying(/Serving the hosts: shop/);
    const { port } = backend.address() as AddressInfo;
    setIngress('new.example.test', port);
    await controller.saying(/Serving the hosts: new\.example\.test/);
    expect(await ask('shop.example.test')).toContain('404');
    setIngress('lost.example.test', 1);
    await controller.saying(/Serving the hosts: lost\.example\.test/);
    expect(await ask('lost.example.test')).toContain('503');
    setIngress('down.example.test', port);
    await controller.saying(/Serving the hosts: down\.example\.test/);
    backend.closeAllConnections();
    backend.close();
    expect(await ask('down.example.test')).toContain('502');
  });

  it('continues after the API server was down', async () => {
    await controller.saying(/Serving the hosts: shop/);
    await cluster.stop();
    await controller.saying(/Failed to list Ingresses: .*connection refused/);
    expect(await ask('shop.example.test')).toContain('200');
    setIngress('new.example.test', 80);
    await cluster.serve();
    await controller.saying(/Serving the hosts: new/);
  });
});
