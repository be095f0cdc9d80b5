import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';

const ROOT = path.join(import.meta.dirname, '..');
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

const LODASH = [
  {
    id: 1,
    url: 'https://example.test/1',
    title: 'x',
    severity: 'critical',
    vulnerable_versions: '<4.17.12',
    cwe: [],
    cvss: { score: 9 },
  },
];

/** The exit code and the output of the audit with a registry. */
async function audit(listener: RequestListener): Promise<{ readonly exitCode: number; readonly output: string }> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const registry = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const env = { ...process.env, npm_config_registry: registry };
  return new Promise((resolve) => {
    execFile(process.execPath, ['scripts/audit.js'], { cwd: ROOT, env }, (error, stdout, stderr) => {
      resolve({ exitCode: error === null ? 0 : Number(error.code), output: `${stdout}${stderr}` });
    });
  });
}

/** Answers with advisories for the given packages; it knows lodash unless it is the question of the audit itself. */
function knowing(advisories: object): RequestListener {
  return (request, response) => {
    if (request.method === 'GET') {
      const versions = Object.fromEntries(['1.0.0', '6.40.0'].map((version) => [version, { name: 'knip', version }]));
      response.end(JSON.stringify({ name: 'knip', 'dist-tags': { latest: '6.40.0' }, versions }));
      return;
    }
    let length = 0;
    request.on('data', (chunk: Buffer) => (length += chunk.length));
    request.on('end', () => response.end(JSON.stringify(length < 100 ? { lodash: LODASH } : advisories)));
  };
}

describe('the audit of the packages', () => {
  it.each<readonly [string, RequestListener]>([
    ['refuses audits', (_request, response) => response.writeHead(405).end()],
    ['does not know audits', (_request, response) => response.writeHead(404).end('{}')],
    ['answers with a page', (_request, response) => response.end('<html>welcome</html>')],
    ['answers that nothing is known, whatever is asked', (_request, response) => response.end('{}')],
    ['hangs up', (request) => request.socket.destroy()],
    ['redirects', (_request, response) => response.writeHead(302, { location: '/x' }).end()],
  ])('says that nothing was checked when the registry %s', async (_what, listener) => {
    const { exitCode, output } = await audit(listener);
    expect(output).toContain('NOT checked');
    expect(exitCode).toBe(2);
  });

  it('passes when the registry knows no advisory, and fails when it knows one', async () => {
    const good = await audit(knowing({}));
    expect(good.output).toContain('0 with advisories');
    expect(good.exitCode).toBe(0);
    const bad = await audit(knowing({ knip: [{ ...LODASH[0], vulnerable_versions: '*' }] }));
    expect(bad.output).toContain('critical: knip');
    expect(bad.exitCode).toBe(1);
  });
});
