/**
 * What an API server asks outside the cluster: an audit backend, an authorizer, and an issuer of tokens (OpenID Connect discovery),
 * over TLS. The first two ask for a client certificate.
 *
 * Its directory has `tls.crt`, `tls.key`, `ca.crt` (of the clients), and `jwks.json`; it appends the name of each audited object to
 * `audited`.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { TLSSocket } from 'node:tls';
import { parseArgs } from 'node:util';
import { endOnSignals, fail, logLine, reasonOf } from '../program.ts';
import { answerReview, auditedNames, discovery } from './answers.ts';

const { values: flags } = parseArgs({
  options: { directory: { type: 'string' }, address: { type: 'string' }, port: { type: 'string', default: '8443' } },
});
const directory = flags.directory ?? fail('Missing required flag: --directory');
const address = flags.address ?? fail('Missing required flag: --address');
const file = (name: string): string => path.join(directory, name);

endOnSignals();
const server = createServer(
  {
    cert: readFileSync(file('tls.crt')),
    key: readFileSync(file('tls.key')),
    ca: readFileSync(file('ca.crt')),
    requestCert: true,
    // The issuer's documents are public.
    rejectUnauthorized: false,
  },
  (request, response) => {
    answer(request, response).catch((error: unknown) => {
      logLine(reasonOf(error));
      response.writeHead(500).end();
    });
  },
);
server.listen(Number(flags.port), address, () => logLine(`serving on ${address}:${portOf(server)}`));

function portOf(listening: Server): number {
  return (listening.address() as AddressInfo).port;
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = request.url?.split('?')[0];
  if (url === '/.well-known/openid-configuration')
    return send(response, discovery(`https://${address}:${portOf(server)}`));
  if (url === '/jwks') return send(response, JSON.parse(readFileSync(file('jwks.json'), 'utf8')));
  if (!(request.socket as TLSSocket).authorized) {
    response.writeHead(401).end();
    return;
  }
  const body = JSON.parse(await textOf(request)) as object;
  if (url === '/authorize') return send(response, answerReview(body));
  if (url !== '/audit') {
    response.writeHead(404).end();
    return;
  }
  for (const name of auditedNames(body)) appendFileSync(file('audited'), `${name}\n`);
  send(response, {});
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}
