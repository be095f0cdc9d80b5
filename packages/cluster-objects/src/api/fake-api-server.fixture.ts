import { buildPki, type Pki } from '@kube-rescue/testing';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ApiServerAccess } from './api-server-access.ts';

export interface FakeApiServer {
  readonly access: Extract<ApiServerAccess, { server: string }>;
  readonly pki: Pki;
  /** `METHOD path` of every request, and its body. */
  readonly requests: { readonly line: string; readonly body: string }[];
  /** Handles every following request. */
  answer: (request: IncomingMessage, response: ServerResponse) => void;
  close(): Promise<void>;
}

/** An HTTPS server with the certificates of a control plane on 127.0.0.1, for responses that a real API server rarely sends. */
export async function startFakeApiServer(expired: readonly 'apiserver'[] = []): Promise<FakeApiServer> {
  const pki = await buildPki({ address: '127.0.0.1', algorithm: 'ecdsa', expired });
  const { ca, apiserver, 'admin.conf': admin } = pki.pairs;
  const tls = { cert: apiserver.certificate, key: apiserver.key, ca: ca.certificate, requestCert: true };
  const server: Server = createServer(tls, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      fake.requests.push({ line: `${request.method} ${request.url}`, body: Buffer.concat(chunks).toString() });
      fake.answer(request, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const fake: FakeApiServer = {
    access: { server: `https://127.0.0.1:${port}`, ca: ca.certificate, client: admin },
    pki,
    requests: [],
    answer: (_request, response) => response.end('{}'),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return fake;
}

/** Responds with JSON. */
export function replying(status: number, body: unknown): FakeApiServer['answer'] {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', 'x-secret': 'hunter2' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

/** A cluster of one Node and one Secret, for the examples of the READMEs. */
export const answerSmallCluster: FakeApiServer['answer'] = (request, response) => {
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node01', resourceVersion: '7' } };
  const secret = { metadata: { name: 'kube-apiserver', namespace: 'kube-system', resourceVersion: '3' } };
  const { url = '' } = request;
  const list = { kind: 'List', items: url.includes('secrets') ? [secret] : [], metadata: {} };
  replying(200, url.includes('/nodes/') ? node : list)(request, response);
};
