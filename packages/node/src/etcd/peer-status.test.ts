import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createLocalHost, systemClock } from '@kube-rescue/host';
import { buildEtcdPki, createFixedClock, type EtcdPki } from '@kube-rescue/testing';
import { parseCertificates } from '@kube-rescue/x509';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { inspectPeer, type PeerStatus } from './peer-status.ts';
import type { PeerTrust } from './peer-trust.ts';

const SIGNAL = new AbortController().signal;
let own: EtcdPki;
let other: EtcdPki;
const servers: Server[] = [];

beforeAll(async () => {
  [own, other] = await Promise.all([buildEtcdPki(), buildEtcdPki()]);
});
afterEach(() => servers.splice(0).forEach((server) => server.close()));

/** A peer port that requires a client certificate of the CA of `pki`, as etcd does. */
async function startPeer(pki: EtcdPki): Promise<string> {
  const { ca, server } = pki;
  const tls = { cert: server.certificate, key: server.key, ca: ca.certificate, requestCert: true };
  const listening = createServer(tls, (_request, response) => response.end('{}')).listen(0, '127.0.0.1');
  servers.push(listening);
  await once(listening, 'listening');
  return `https://127.0.0.1:${(listening.address() as AddressInfo).port}`;
}

function trustOf({ ca, client }: EtcdPki): PeerTrust {
  return { anchors: parseCertificates(ca.certificate, 'ca.crt'), ca: ca.certificate, client };
}

async function inspect(url: string, clock = systemClock): Promise<PeerStatus> {
  return inspectPeer(url, trustOf(own), { host: createLocalHost(), clock }, SIGNAL);
}

it('a member with a good certificate and clock lacks nothing', async () => {
  const { accepts, validTo, lacks } = await inspect(await startPeer(own));
  expect({ accepts, lacks }).toEqual({ accepts: true, lacks: [] });
  expect(validTo).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
});

it('an expired peer certificate is read all the same, with its date', async () => {
  const expired = await buildEtcdPki({ expiredServer: true });
  const trust = trustOf(expired);
  const url = await startPeer(expired);
  const { accepts, lacks } = await inspectPeer(url, trust, { host: createLocalHost(), clock: systemClock }, SIGNAL);
  expect(accepts).toBe(true);
  expect(lacks).toEqual([
    expect.stringMatching(/^its peer certificate expired on \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/),
  ]);
});

it('a member of another CA answers, and its certificate and its refusal are named', async () => {
  const { accepts, lacks } = await inspect(await startPeer(other));
  expect(accepts).toBe(true);
  expect(lacks).toEqual([
    "its peer certificate is from another CA than that of this node's etcd",
    "it refuses the certificates of this node's etcd CA",
  ]);
});

it('a member whose clock differs is found by the date of its answer', async () => {
  const url = await startPeer(own);
  const clock = createFixedClock(new Date(Date.now() - 3_600_000));
  const { lacks } = await inspect(url, clock);
  expect(lacks).toEqual([expect.stringMatching(/^its clock is 3(?:599|60\d) s ahead of the clock of this node$/)]);
});

it('a member that is down does not answer', async () => {
  const url = await startPeer(own);
  servers[0]?.close();
  const { accepts, validTo, lacks } = await inspect(url);
  expect({ accepts, validTo, lacks }).toEqual({
    accepts: false,
    validTo: null,
    lacks: [`does not answer on ${url}`],
  });
});
