import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
/**
 * Failures behind a kubeconfig that was accepted: no server there, a name or plugin that this machine does not have, a token that the
 * server does not know; no credentials, for which kubectl asks its user; no CA, so that those of the machine count.
 */
const OUTSIDE =
  /connection refused|was refused|no such host|server misbehaving|Client\.Timeout|context deadline exceeded|i\/o timeout|network is unreachable|no route to host|executable .* not found|executable file not found|must be logged in|HTTP request to an HTTPS server|cannot assign requested address|^error: EOF$|signed by unknown authority/m;
/** Kubernetes 1.22 has introduced it. */
const NEWER = /invalid apiVersion "client\.authentication\.k8s\.io\/v1"/;

/** What kubectl answers to a kubeconfig: `''` when it asks the server, whether that answers or not. */
export async function askKubectl(program: string, kubeconfig: Uint8Array): Promise<string> {
  const error = await requestVersion(program, kubeconfig);
  return OUTSIDE.test(error) || NEWER.test(error) ? '' : error;
}

async function requestVersion(program: string, kubeconfig: Uint8Array): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-kubectl-'));
  try {
    const file = path.join(directory, 'kubeconfig');
    await writeFile(file, kubeconfig, { mode: 0o600 });
    // No exec plugin is found there.
    const words = ['--kubeconfig', file, '--request-timeout=2s', 'get', '--raw', '/version'];
    const asked = run(program, words, { env: { HOME: directory, PATH: directory } });
    // It asks for a name and a password where there are none.
    asked.child.stdin?.end();
    await asked;
    return '';
  } catch (error) {
    const { stderr } = error as { readonly stderr?: string };
    if (stderr === undefined) throw error;
    return stderr.trim() || 'refused';
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

export interface ServedChain {
  /** PEM: the leaf, then the intermediates. */
  readonly cert: string;
  readonly key: string;
  /** The CAs that the client trusts, PEM. */
  readonly roots: string;
  /** The name that the client dials. */
  readonly host: string;
}

/** What kubectl says to a server that presents the chain: `''` when it accepts the server. */
export async function askKubectlAboutServer(program: string, { cert, key, roots, host }: ServedChain): Promise<string> {
  // OpenSSL, which serves here, judges nothing.
  const server = createServer({ cert, key, ciphers: 'ALL:@SECLEVEL=0' }, (_request, response) => response.end('{}'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const kubeconfig = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'a',
      contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
      users: [{ name: 'a', user: { token: 'a' } }],
      clusters: [
        {
          name: 'a',
          cluster: {
            server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
            'certificate-authority-data': Buffer.from(roots).toString('base64'),
            'tls-server-name': host,
          },
        },
      ],
    };
    return await requestVersion(program, Buffer.from(JSON.stringify(kubeconfig)));
  } finally {
    server.closeAllConnections();
    await promisify(server.close.bind(server))();
  }
}
