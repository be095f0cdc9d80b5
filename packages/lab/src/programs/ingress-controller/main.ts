/** An ingress controller: sends HTTP requests by their Host header to the Services that the Ingresses name. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type ClusterAccess, getObject, inClusterAccess } from '../cluster-client.ts';
import { endOnSignals, logLine, retryForever } from '../program.ts';
import { createRoutes, findRoute, type Ingress, type IngressService, type Route } from './routes.ts';

const SYNC_INTERVAL_MS = 2_000;
const BACKEND_TIMEOUT_MS = 10_000;

const { values: flags } = parseArgs({
  options: {
    'http-port': { type: 'string', default: '80' },
    'healthz-port': { type: 'string', default: '10254' },
  },
});

endOnSignals();
let routes: readonly Route[] = [];

const health = createServer(({ url }, response) => {
  response.writeHead(url === '/healthz' ? 200 : 404, { 'Content-Type': 'text/plain' });
  response.end(url === '/healthz' ? 'ok' : 'not found');
});
await announce('/healthz', health, flags['healthz-port']);
await announce('HTTP', createServer(proxy), flags['http-port']);

let logged = '';
for (;;) {
  // The credentials are read at each attempt: the original exits when it fails, and is restarted with new credentials.
  const { ingresses, services } = await retryForever('Failed to list Ingresses', () =>
    readObjects(inClusterAccess(process.env)),
  );
  routes = createRoutes(ingresses, services);
  const hosts = [...new Set(routes.map(({ host }) => host))].toSorted().join(', ');
  if (hosts !== logged) logLine(`Serving the hosts: ${hosts === '' ? 'none' : hosts}`);
  logged = hosts;
  await sleep(SYNC_INTERVAL_MS);
}

async function readObjects(
  api: ClusterAccess,
): Promise<{ ingresses: readonly Ingress[]; services: readonly IngressService[] }> {
  const [ingresses, services] = await Promise.all([
    getObject<{ items: readonly Ingress[] }>(api, '/apis/networking.k8s.io/v1/ingresses'),
    getObject<{ items: readonly IngressService[] }>(api, '/api/v1/services'),
  ]);
  return { ingresses: ingresses.items, services: services.items };
}

async function announce(what: string, server: Server, port: string): Promise<void> {
  server.listen(Number(port));
  await once(server, 'listening');
  logLine(`Serving ${what} on port ${(server.address() as AddressInfo).port}`);
}

function proxy(incoming: IncomingMessage, response: ServerResponse): void {
  const route = findRoute(routes, incoming.headers.host ?? '', incoming.url ?? '/');
  if (route === undefined) return reply(response, 404, 'default backend - 404');
  if (route.backend === undefined) return reply(response, 503, '503 Service Temporarily Unavailable');
  const { address, port } = route.backend;
  const outgoing = request({
    host: address,
    port,
    method: incoming.method,
    path: incoming.url,
    headers: {
      ...incoming.headers,
      'x-forwarded-for': incoming.socket.remoteAddress ?? '',
      'x-forwarded-proto': 'http',
    },
    timeout: BACKEND_TIMEOUT_MS,
  });
  outgoing.on('timeout', () => outgoing.destroy(new Error('upstream timed out')));
  outgoing.on('error', (error) => {
    logLine(`upstream ${address}:${port} for ${route.host}: ${error.message}`);
    if (response.headersSent) response.destroy();
    else reply(response, 502, '502 Bad Gateway');
  });
  outgoing.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  incoming.pipe(outgoing);
}

function reply(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain' });
  response.end(`${text}\n`);
}
