import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { CorpusItem } from './corpus/items.ts';
import { pem } from './corpus/pairs.ts';
import { inParallel } from './parallel.ts';

const run = promisify(execFile);
/** Nothing but the files is trusted, whatever the machine trusts; a CA of the file is trusted as Go trusts it, self-signed or not. */
const FLAGS = ['-x509_strict', '-partial_chain', '-no-CApath', '-no-CAstore'];

export type Chain = CorpusItem & { readonly kind: 'chain' };

export function isChain(item: CorpusItem): item is Chain {
  return item.kind === 'chain';
}

const certificates = (ders: readonly string[]): string =>
  ders.map((der) => pem('CERTIFICATE', Buffer.from(der, 'base64'))).join('');

function hostFlags(host: string): readonly string[] {
  const literal = host.replace(/^\[(.*)\]$/, '$1');
  if (host === '') return [];
  return isIP(literal) === 0 ? ['-verify_hostname', host] : ['-verify_ip', literal];
}

async function verify({ usage, host, now, ...chain }: Chain, stem: string): Promise<string> {
  const [leaf, sent, trusted] = [`${stem}-leaf.pem`, `${stem}-sent.pem`, `${stem}-trusted.pem`];
  await writeFile(leaf, certificates([chain.leaf]));
  await writeFile(sent, certificates(chain.intermediates));
  await writeFile(trusted, certificates(chain.roots));
  const time = ['-attime', String(new Date(now).getTime() / 1000)];
  const purpose = ['-purpose', usage === 'server' ? 'sslserver' : 'sslclient'];
  const untrusted = chain.intermediates.length > 0 ? ['-untrusted', sent] : [];
  const words = [...FLAGS, ...time, ...purpose, ...hostFlags(host), '-CAfile', trusted, ...untrusted, leaf];
  try {
    await run('openssl', ['verify', ...words]);
    return '';
  } catch (error) {
    const { stderr } = error as { readonly stderr?: string };
    if (stderr === undefined) throw error;
    return /^error \d+ at .*: (.*)$/m.exec(stderr)?.[1] ?? 'not read';
  }
}

/** What `openssl verify -x509_strict` answers to each chain: `''` for one that it accepts. */
export async function askOpenssl(chains: readonly Chain[]): Promise<ReadonlyMap<string, string>> {
  const directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-openssl-'));
  try {
    const answers = new Map<string, string>();
    await inParallel([...chains.entries()], availableParallelism(), async ([at, chain]) => {
      answers.set(chain.id, await verify(chain, path.join(directory, String(at))));
    });
    return answers;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
