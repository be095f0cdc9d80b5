import { availableParallelism } from 'node:os';
import { buildEtcdPki, type EtcdPki, requireProgram, type RunningEtcd } from '@kube-rescue/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { namesHost } from '../../packages/x509/src/go/host-name.ts';
import { readGoCertificate } from '../../packages/x509/src/go/index.ts';
import { certificateItems } from './corpus/certificates.ts';
import { chainItems } from './corpus/chains.ts';
import { bytesOf, type ItemOf } from './corpus/items.ts';
import { BUNDLED, bundleItems, pairItems, pem } from './corpus/pairs.ts';
import { ETCD_DISAGREEMENTS } from './etcd-disagreements.ts';
import { askEtcdctl, peerPortOf, readGoMinor, requestAs, tryEtcd } from './etcd-trials.ts';
import {
  type Answers,
  isRandom,
  kindOf,
  listDisagreements,
  listKinds,
  rowOf,
  rowsBelow,
  sampleKinds,
  sampleOf,
} from './kinds.ts';
import { type Chain, isChain } from './openssl-verify.ts';
import { isNewerRule, judgeOurselves } from './own-judge.ts';
import { inParallel } from './parallel.ts';
import { SEED } from './seed.ts';

/** etcd waits more than it works. */
const TRIALS_PER_CORE = 6;
const LOOPBACK = '127.0.0.1';

const certificate = (base64: string): string => pem('CERTIFICATE', bytesOf(base64));

const errorOf = ({ start, handshake = '' }: Readonly<Record<string, string>>): string => start || handshake;

/** As the files of the server, for clients and for peers, to a client whose certificate it trusts. */
async function tryPair(item: ItemOf<'pair'>, pki: EtcdPki): Promise<readonly Answers[]> {
  const { certificate: cert, key } = pki.client;
  const found = await tryEtcd(
    {
      files: { 'server.crt': bytesOf(item.certificate), 'server.key': bytesOf(item.key) },
      ask: async (etcd) => ({ handshake: await requestAs(etcd.members[0].port, { cert, key }) }),
    },
    pki,
  );
  return [{ kind: `pair ${kindOf(item)}`, own: judgeOurselves(item), other: errorOf(found) }];
}

/** As the file of the trusted CAs: a certificate that is in it is trusted as a client's. */
async function tryBundle(item: ItemOf<'etcd'>, pki: EtcdPki): Promise<readonly Answers[]> {
  const ask = async (etcd: RunningEtcd) => {
    const clients = BUNDLED.map(({ certificate: cert, key }) => requestAs(etcd.members[0].port, { cert, key }));
    const errors = await Promise.all(clients);
    return { handshake: errors.includes('') ? '' : errors.join() };
  };
  const found = await tryEtcd({ files: { 'ca.crt': bytesOf(item.text) }, ask }, pki);
  return [{ kind: `CA file ${kindOf(item)}`, own: judgeOurselves(item), other: errorOf(found) }];
}

/** Certificates in a file of trusted CAs: etcd starts when it can parse each. The refused ones of many are found by halves. */
async function tryCertificates(items: readonly ItemOf<'certificate'>[], pki: EtcdPki): Promise<readonly Answers[]> {
  const text = items.map(({ der }) => certificate(der)).join('');
  const { start = '' } = await tryEtcd({ files: { 'ca.crt': Buffer.from(text) }, ask: async () => ({}) }, pki);
  if (start !== '' && items.length > 1) {
    const half = Math.ceil(items.length / 2);
    const [first, second] = [items.slice(0, half), items.slice(half)];
    return [...(await tryCertificates(first, pki)), ...(await tryCertificates(second, pki))];
  }
  return items.map((item) => ({ kind: `certificate ${kindOf(item)}`, own: judgeOurselves(item), other: start }));
}

/** The leaf as the certificate of the server to etcdctl, and as that of a client to etcd on both of its ports. */
async function tryChain(item: Chain, pki: EtcdPki, now: string): Promise<readonly Answers[]> {
  const roots = item.roots.map(certificate).join('');
  const cert = [item.leaf, ...item.intermediates].map(certificate).join('');
  const pair = { cert, key: bytesOf(item.key).toString() };
  const judge = (changes: Partial<Chain>): string => judgeOurselves({ ...item, now, host: '', ...changes });
  const own: Readonly<Record<string, string>> = {
    'chain of a server': judge({ usage: 'server', host: LOOPBACK }),
    'chain of a client': judge({ usage: 'client' }),
    'chain of a peer': judge({ usage: 'client' }),
  };
  // etcd looks a peer's address up in its certificate, and other names in the DNS.
  const isPeer = own['chain of a client'] !== '' || namesHost(readGoCertificate(bytesOf(item.leaf)).names, LOOPBACK);
  const ask = async (etcd: RunningEtcd) => ({
    'chain of a server': await askEtcdctl(etcd, roots),
    'chain of a client': await requestAs(etcd.members[0].port, pair),
    ...(isPeer ? { 'chain of a peer': await requestAs(await peerPortOf(etcd), pair) } : {}),
  });
  const files = {
    'ca.crt': Buffer.from(roots + pki.ca.certificate),
    'server.crt': Buffer.from(cert),
    'server.key': bytesOf(item.key),
  };
  const { start = '', ...found } = await tryEtcd({ files, ask }, pki);
  const answers = start === '' ? found : Object.fromEntries(Object.keys(own).map((role) => [role, start]));
  return Object.entries(answers).map(([role, other]) => ({
    kind: `${role} ${kindOf(item)}`,
    own: own[role] ?? '',
    other,
  }));
}

describe.skipIf(!requireProgram('etcd', 'etcdctl'))('etcd, started on a sample of each kind', () => {
  let answers: readonly Answers[];

  beforeAll(async () => {
    const pki = await buildEtcdPki();
    const now = new Date().toISOString();
    const certificates = sampleOf(certificateItems(SEED), 'certificate');
    const good = certificates.filter((item) => judgeOurselves(item) === '');
    const trials: (() => Promise<readonly Answers[]>)[] = [
      ...sampleKinds(chainItems().filter(isChain)).map((item) => () => tryChain(item, pki, now)),
      ...sampleOf(pairItems(SEED), 'pair').map((item) => () => tryPair(item, pki)),
      ...sampleOf(bundleItems(SEED), 'etcd').map((item) => () => tryBundle(item, pki)),
      ...certificates.filter((item) => !good.includes(item)).map((item) => () => tryCertificates([item], pki)),
      () => tryCertificates(good, pki),
    ];
    const found: Answers[] = [];
    await inParallel(trials, TRIALS_PER_CORE * availableParallelism(), async (trial) => {
      found.push(...(await trial()));
    });
    answers = found;
  }, 600_000);

  it('accepts hundreds of files and refuses hundreds', () => {
    const good = answers.filter(({ other }) => other === '').length;
    expect(good).toBeGreaterThan(200);
    expect(answers.length - good).toBeGreaterThan(200);
  });

  it('accepts whatever we call good', () => {
    const wrong = answers.filter(({ own, other }) => own === '' && other !== '');
    expect(wrong.map(({ kind, other }) => `${kind}: ${other}`)).toEqual([]);
  });

  it('disagrees with us on the listed kinds alone, and on each of them, its older Go apart', async () => {
    const minor = await readGoMinor();
    const compared = answers.filter(({ kind, own }) => !isRandom(kind) && !isNewerRule(own, minor));
    expect(listDisagreements(compared)).toEqual(listKinds(ETCD_DISAGREEMENTS));
  });

  it('is compared in docs/reference/judge-comparison.md with each reason', () => {
    expect(rowsBelow('etcd')).toEqual(ETCD_DISAGREEMENTS.map(rowOf));
  });
});
