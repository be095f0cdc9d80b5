import { hostPath } from '@kube-rescue/host';
import {
  buildPki,
  createFakeHost,
  createFixedClock,
  expectCode,
  issueCertificate,
  type KeyPair,
  LEAF_NAMES,
  type Pki,
} from '@kube-rescue/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { kubeadmNode, NOW } from '../kubeadm-node.fixture.ts';
import { judgeAdoption } from './adoption-input.ts';
import type { Adoption } from './adoption.ts';

const SET = hostPath('/set');
const DAY_MS = 24 * 60 * 60 * 1000;
const ETCD = ['etcd/server', 'etcd/peer', 'etcd/healthcheck-client', 'apiserver-etcd-client'];
const NAMES = 'subjectAltName=DNS:localhost,DNS:node01,IP:10.9.0.11,IP:127.0.0.1';

let made: Pki;

beforeAll(async () => {
  made = await buildPki({ algorithm: 'rsa', now: NOW });
});

/** Every pair of the set but those without which it is asked. */
function without(...names: readonly string[]): Record<string, KeyPair> {
  return Object.fromEntries(Object.entries(made.pairs).filter(([name]) => !names.includes(name)));
}

async function leaf(issuer: KeyPair, subject: string, ...extensions: readonly string[]): Promise<KeyPair> {
  const { key } = made.pairs['apiserver-kubelet-client'];
  const validity = { notBefore: new Date(NOW.getTime() - DAY_MS), notAfter: new Date(NOW.getTime() + 100 * DAY_MS) };
  return { key, certificate: await issueCertificate({ subject, extensions, key, issuer, ...validity }) };
}

/** The certificates of etcd as coreos/tls_rotate's gencerts.sh makes them: one common name, no organization, one client. */
async function rotatedEtcd(): Promise<Record<string, KeyPair>> {
  const ca = made.pairs['etcd/ca'];
  return {
    server: await leaf(ca, '/CN=etcd', 'extendedKeyUsage=serverAuth', NAMES),
    peer: await leaf(ca, '/CN=etcd', 'extendedKeyUsage=serverAuth,clientAuth', NAMES),
    client: await leaf(ca, '/CN=etcd', 'extendedKeyUsage=clientAuth'),
  };
}

async function judge(
  pairs: Readonly<Record<string, KeyPair>>,
  changes: Parameters<typeof kubeadmNode>[2] = {},
  texts: Readonly<Record<string, string>> = {},
): Promise<Adoption> {
  const { host, input: node } = await kubeadmNode({ algorithm: 'rsa', expired: LEAF_NAMES }, undefined, changes);
  const files = Object.entries(pairs).map(([name, { certificate, key }]) => [
    name.replace('/', '-'),
    certificate + key,
  ]);
  const tree = [...files, ...Object.entries(texts)].map(([name = '', text = '']) => {
    return [hostPath(`${SET}/${name}`), { kind: 'file', bytes: Buffer.from(text), mode: 0o600 }] as const;
  });
  const set = { path: SET, files: createFakeHost({ tree: new Map(tree) }) };
  return judgeAdoption({ set, node }, { host, clock: createFixedClock(NOW) });
}

const refusal = async (...input: Parameters<typeof judge>): Promise<string> =>
  (await expectCode(judge(...input), 'PKI_SET_UNFIT')).message;

const sourceOf = ({ leaves }: Adoption, id: string): string | undefined =>
  leaves.find(({ entry }) => entry.id === id)?.path;

describe('a certificate of a set with another subject', () => {
  it('is adopted for etcd, which judges chain, names and usage, and the rule is named', async () => {
    const adoption = await judge({ ...without(...ETCD), ...(await rotatedEtcd()) });
    // The present server certificate is a client's as well, and so is that of the peer.
    expect(ETCD.map((id) => sourceOf(adoption, id))).toEqual(['/set/peer', '/set/peer', '/set/client', '/set/client']);
    expect(adoption.evidence).toContain(
      'API server client certificate for etcd comes from /set/client, with another subject: etcd without users of its own judges chain and usage of a client',
    );
    expect(adoption.evidence.filter((line) => line.includes('another subject'))).toHaveLength(ETCD.length);
  });

  it('is refused as a peer that etcd takes by its common name alone, and adopted when it has that one', async () => {
    const pairs = { ...without(...ETCD), ...(await rotatedEtcd()) };
    const only = (name: string) => ({ etcd: { 'peer-cert-allowed-cn': name } });
    expect(await refusal(pairs, only('node01'))).toContain('the set has no etcd peer certificate (CN=node01)');
    expect(sourceOf(await judge(pairs, only('etcd')), 'etcd/peer')).toBe('/set/peer');
  });

  it('is never taken from another CA: etcd refuses a client of the API server', async () => {
    const { client: _client, ...rest } = await rotatedEtcd();
    const message = await refusal({ ...without(...ETCD), ...rest });
    expect(message).toContain('the set has no API server client certificate for etcd');
  });

  it('is not guessed when several could be it', async () => {
    const ca = made.pairs['etcd/ca'];
    const other = await leaf(ca, '/CN=backup', 'extendedKeyUsage=clientAuth');
    const message = await refusal({ ...without(...ETCD), ...(await rotatedEtcd()), other });
    expect(message).toContain('the set has no API server client certificate for etcd');
  });

  it('is refused for a user of the API server, and adopted for one who may do everything under any name', async () => {
    const { ca } = made.pairs;
    const scheduler = await leaf(ca, '/CN=my-scheduler', 'extendedKeyUsage=clientAuth');
    expect(await refusal({ ...without('scheduler.conf'), scheduler })).toContain(
      'the set has no client certificate in scheduler.conf (CN=system:kube-scheduler)',
    );
    const operator = await leaf(ca, '/O=system:masters/CN=admin', 'extendedKeyUsage=clientAuth');
    const adoption = await judge({ ...without('admin.conf'), operator });
    expect(sourceOf(adoption, 'admin.conf')).toBe('/set/operator');
  });

  it('is the front proxy if its common name is listed, or none is', async () => {
    const proxy = await leaf(made.pairs['front-proxy-ca'], '/CN=aggregator', 'extendedKeyUsage=clientAuth');
    const pairs = { ...without('front-proxy-client'), proxy };
    expect(await refusal(pairs)).toContain('the set has no front proxy client certificate');
    for (const names of ['', 'front-proxy-client,aggregator']) {
      const adoption = await judge(pairs, { 'kube-apiserver': { 'requestheader-allowed-names': names } });
      expect(sourceOf(adoption, 'front-proxy-client')).toBe('/set/proxy');
    }
  });
});

it('a damaged file of a set is passed over and named while the set is complete without it', async () => {
  const cut = '-----BEGIN CERTIFICATE-----\nAAAA\n';
  const { leaves, evidence } = await judge(made.pairs, {}, { 'old.pem': cut });
  expect(leaves).toHaveLength(LEAF_NAMES.length);
  expect(evidence).toContainEqual(expect.stringMatching(/^passed over: \/set\/old\.pem: /));
  expect(await refusal(without('scheduler.conf'), {}, { 'old.pem': cut })).toContain('/set/old.pem');
});
