import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

export function newKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'sec1', format: 'pem' }).toString();
}

/** A certificate signing request, PEM, made by the `openssl` program. */
export async function newCsr(key: string): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-csr-'));
  try {
    const file = path.join(directory, 'key');
    await writeFile(file, key, { mode: 0o600 });
    const argv = ['req', '-new', '-key', file, '-subj', '/O=example.com/CN=request'];
    return (await promisify(execFile)('openssl', argv)).stdout;
  } finally {
    await rm(directory, { recursive: true });
  }
}
