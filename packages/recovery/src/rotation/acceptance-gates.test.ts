import { createLocalHost, type Host, hostPath, type HttpProbe } from '@kube-rescue/host';
import { type Node, openNode } from '@kube-rescue/node';
import { buildPki, createFakeHost, createFixedClock, type Pki, treeOf } from '@kube-rescue/testing';
import { createChangeRegistry, hostChangeKinds, type Step } from '@kube-rescue/workflow';
import { createCa, encodePem, encodePrivateKey, generateKey } from '@kube-rescue/x509';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createRotationPlaybook } from '../index.ts';
import { createClientAcceptanceGate } from './acceptance-gates.ts';

const NODE = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };
const KUBELET_CERTIFICATE = '/var/lib/kubelet/pki/kubelet.crt';
const { signal } = new AbortController();

interface Pair {
  readonly certificate: string;
  readonly key: string;
}

let now: Date;
let pki: Pki;
/** The self-signed serving pair of the kubelet. */
let kubelet: Pair;
const cleanups: (() => void)[] = [];

beforeAll(async () => {
  now = new Date();
  pki = await buildPki({ now, algorithm: 'ecdsa', address: '127.0.0.1' });
  kubelet = await selfSigned('node01@1700000000');
});

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

async function selfSigned(commonName: string): Promise<Pair> {
  const key = await generateKey('ecdsa-p256');
  const validity = { notBefore: new Date(now.getTime() - 60_000), notAfter: new Date(now.getTime() + 3_600_000) };
  const { x509 } = await createCa({ commonName, key, validity, names: ['node01'] });
  return { certificate: encodePem('CERTIFICATE', x509.raw), key: encodePrivateKey(key, 'PRIVATE KEY') };
}

/** A TLS server: 403 for a client that `trust` verifies, 401 for others, as Kubernetes servers; an impostor gives one status. */
async function serve(pair: Pair, answer: { readonly trust: string } | { readonly always: number }): Promise<string> {
  const ca = 'trust' in answer ? { ca: answer.trust } : {};
  const options = { cert: pair.certificate, key: pair.key, ...ca, requestCert: true, rejectUnauthorized: false };
  const server = createServer(options, ({ socket }, response) => {
    const status = 'always' in answer ? answer.always : (socket as TLSSocket).authorized ? 403 : 401;
    response.writeHead(status).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A node in the first stage of a rotation; its ports lead to the given servers. */
async function nodeOf(servers: { readonly api: string; readonly kubelet: string }): Promise<Node> {
  const pair = { [KUBELET_CERTIFICATE]: kubelet.certificate, '/var/lib/kubelet/pki/kubelet.key': kubelet.key };
  const tree = new Map([...pki.tree, ...treeOf({ '/proc/uptime': '1000.00 1.00\n', ...pair })]);
  const fake = createFakeHost({ tree, services: { kubelet: 'running' } });
  const request = (probe: HttpProbe) => {
    const { port, pathname } = new URL(probe.url);
    const url = `${port === '10250' ? servers.kubelet : servers.api}${pathname}`;
    return createLocalHost().request({ ...probe, url });
  };
  const host: Host = { ...fake, request };
  const node = openNode(NODE, { host, clock: createFixedClock(now) });
  const steps = await createRotationPlaybook(node, { ca: 'cluster', stages: ['trust'] }).phases[0]?.steps(signal);
  const files = steps?.find(({ id }) => id === 'trust/cluster-ca/files') as Step;
  const kinds = createChangeRegistry(hostChangeKinds(node.machine));
  const perform = async (edits: Parameters<Parameters<Step['apply']>[1]['perform']>[0]): Promise<void> => {
    for (const { change, material } of edits) await kinds.get(change.kind)?.apply(change, material);
  };
  await files.apply(files.plan(await files.check(signal)), { perform, waitingFor: () => undefined }, signal);
  return node;
}

async function trustOf(node: Node): Promise<string> {
  return Buffer.from((await node.host.readFile(hostPath('/etc/kubernetes/pki/ca.crt'))) ?? []).toString();
}

/** What the gate observes once the API server and the kubelet have the given certificates and answers. */
async function observe(
  make: (trust: string) => Promise<{ readonly api: string; readonly kubelet: string }>,
): Promise<{ readonly status: string; readonly text: string }> {
  const servers = { api: '', kubelet: '' };
  const node = await nodeOf(servers);
  Object.assign(servers, await make(await trustOf(node)));
  const gate = createClientAcceptanceGate({ id: 'x', requires: [] }, { ca: 'cluster', stages: ['trust'] }, node);
  const { status, summary, evidence } = await gate.check(signal);
  return { status, text: [summary, ...evidence].join('\n') };
}

const real = async (trust: string) => ({
  api: await serve(pki.pairs.apiserver, { trust }),
  kubelet: await serve(kubelet, { trust }),
});

describe('the gate for clients with a certificate of the new CA', () => {
  it('passes with the API server and the kubelet of this node', async () => {
    const { status, text } = await observe(real);
    expect(text).toContain('the kubelet (with its certificate on disk) accepts');
    expect(status).toBe('ok');
  });

  it.each<readonly [string, (trust: string) => Promise<{ api?: string; kubelet?: string }>, RegExp]>([
    [
      'another process answers 403 in place of the kubelet',
      async () => ({ kubelet: await serve(await selfSigned('node01@1700000000'), { always: 403 }) }),
      /the kubelet answers with a certificate that is neither the one on disk nor trusted/,
    ],
    [
      'another process verifies clients in place of the kubelet',
      async (trust) => ({ kubelet: await serve(await selfSigned('node01'), { trust }) }),
      /the kubelet answers with a certificate that is neither/,
    ],
    [
      'another process answers 403 in place of the API server',
      async () => ({ api: await serve(await selfSigned('kube-apiserver'), { always: 403 }) }),
      /the API server answers with a certificate that is neither/,
    ],
    [
      'the kubelet answers 403 to every client',
      async () => ({ kubelet: await serve(kubelet, { always: 403 }) }),
      /the kubelet answers 403 to a client certificate of an unknown CA/,
    ],
    [
      'the kubelet does not trust the new CA yet',
      async () => ({ kubelet: await serve(kubelet, { trust: pki.pairs.ca.certificate }) }),
      /the kubelet answers 401 to a client certificate of the new CA/,
    ],
    ['the kubelet does not answer', async () => ({ kubelet: 'https://127.0.0.1:1' }), /the kubelet answers nothing/],
  ])('does not pass while %s', async (_what, impostor, reason) => {
    const { status, text } = await observe(async (trust) => ({ ...(await real(trust)), ...(await impostor(trust)) }));
    expect(status).not.toBe('ok');
    expect(text).toMatch(reason);
  });
});
