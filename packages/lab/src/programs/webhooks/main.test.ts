import { createLocalHost, hostPath, systemClock } from '@kube-rescue/host';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request, type RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CA_EXTENSIONS, issueCertificate, type KeyPair, leafExtensions } from '../../cluster/certificate-signing.ts';
import { RunningProgram } from '../program.fixture.ts';
import { GUEST } from './answers.ts';

const deps = { host: createLocalHost(), clock: systemClock };

describe('the program webhooks', () => {
  let directory: string;
  let ca: KeyPair;
  let client: KeyPair;
  let port: string;
  let program: RunningProgram;
  const at = (name: string): string => path.join(directory, name);

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'webhooks-'));
    const validity = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 3_600_000) };
    const input = { validity, keyAlgorithm: 'ECDSA', workDirectory: hostPath(directory) } as const;
    ca = await issueCertificate({ ...input, subject: '/CN=ca', extensions: CA_EXTENSIONS, issuer: 'self' }, deps);
    await writeFile(at('ca.crt'), ca.certificate);
    await writeFile(at('ca.key'), ca.key);
    const issuer = { certificate: hostPath(at('ca.crt')), key: hostPath(at('ca.key')) };
    const extensions = leafExtensions(['serverAuth'], ['IP:127.0.0.1']);
    const served = await issueCertificate({ ...input, subject: '/CN=webhooks', extensions, issuer }, deps);
    client = await issueCertificate(
      { ...input, subject: '/CN=client', extensions: leafExtensions(['clientAuth']), issuer },
      deps,
    );
    await writeFile(at('tls.crt'), served.certificate);
    await writeFile(at('tls.key'), served.key);
    await writeFile(at('jwks.json'), '{"keys":[]}');
    program = new RunningProgram('webhooks/main.ts', [
      ...[`--directory=${directory}`, '--address=127.0.0.1', '--port=0'],
    ]);
    port = await program.saying(/serving on 127\.0\.0\.1:(\d+)/);
  });
  afterEach(async () => {
    await program.stop();
    await rm(directory, { recursive: true });
  });

  async function ask(target: string, body?: object, credentials: RequestOptions = {}) {
    const options = { host: '127.0.0.1', port, path: target, ca: ca.certificate, ...credentials };
    const asked = request({ ...options, method: body === undefined ? 'GET' : 'POST' });
    asked.end(body === undefined ? undefined : JSON.stringify(body));
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of answer) text += String(chunk);
    return { status: answer.statusCode, text };
  }

  it('shows the documents of the issuer to everyone', async () => {
    expect((await ask('/.well-known/openid-configuration')).text).toContain('"jwks_uri"');
    expect((await ask('/jwks')).text).toBe('{"keys":[]}');
  });

  it('answers reviews and keeps audited names for a client of the CA only', async () => {
    const review = { spec: { user: GUEST } };
    expect((await ask('/authorize', review)).status).toBe(401);
    const credentials = { cert: client.certificate, key: client.key };
    expect(JSON.parse((await ask('/authorize', review, credentials)).text)).toMatchObject({
      status: { allowed: true },
    });
    const events = { items: [{ objectRef: { name: 'a' } }] };
    expect((await ask('/audit', events, credentials)).status).toBe(200);
    expect(await readFile(at('audited'), 'utf8')).toBe('a\n');
    expect((await ask('/other', {}, credentials)).status).toBe(404);
  });
});
