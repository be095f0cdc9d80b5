import { RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { connectApiServer } from '@kube-rescue/cluster-objects/api';
import { openEtcd } from '@kube-rescue/etcd-access';
import { createLocalHost, systemClock } from '@kube-rescue/host';
import { openAwsAccount } from '@kube-rescue/ingress-dns';
import { buildPki } from '@kube-rescue/testing';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { FuzzTarget } from './fuzz-target.ts';

/** For one request; the call may need several, and a busy machine more. */
const TIMEOUT_MS = 150;
const DEADLINE_MS = 5000;
const FLOOD = Buffer.alloc(256 * 1024, 'A');
const MIB = 1024 * 1024;
const KEYS = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };

/** What a peer does after the first bytes of a request; one byte of the input for each act. */
async function act(socket: Socket, script: Buffer, good: Buffer): Promise<void> {
  let sent = 0;
  for (const [index, byte] of script.entries()) {
    if (socket.destroyed) return;
    const argument = script[index + 1] ?? 1;
    switch (byte % 8) {
      case 0:
      case 1:
        socket.write(good.subarray(sent));
        sent = good.length;
        break;
      case 2:
        socket.write(good.subarray(sent, sent + argument));
        sent += argument;
        break;
      case 3:
        socket.write(script.subarray(index, index + argument));
        break;
      case 4:
        // A flood, as fast as it is read, until the client hangs up or the act ends.
        for (let count = 0; count < 16 && !socket.destroyed; count += 1) {
          if (!socket.write(FLOOD)) await Promise.race([once(socket, 'drain'), once(socket, 'close'), pause(20)]);
        }
        break;
      case 5:
        await pause(argument % 30);
        break;
      case 6:
        socket.write(`HTTP/1.1 302 Found\r\nlocation: /${argument}\r\ncontent-length: 0\r\n\r\n`);
        break;
      default:
        socket.end();
        return;
    }
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A server that acts by the input, and a call to it that must end in time. */
function hostile(
  good: Buffer,
  makeServer: (onConnection: (socket: Socket) => void) => Promise<Server>,
  call: (port: number) => Promise<unknown>,
): Pick<FuzzTarget, 'corpus' | 'run'> {
  return {
    corpus: async () =>
      ['00', '020505050505', '04040404', '020307', '0602060006', '0305040705', '05010004'].map((hex) =>
        Buffer.from(hex, 'hex'),
      ),
    run: async (input) => {
      const sockets = new Set<Socket>();
      const server = await makeServer((socket) => {
        sockets.add(socket);
        socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
        socket
          .on('data', () => undefined)
          .once('data', () => void act(socket, input.subarray(0, 32), good).catch(() => undefined));
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const before = process.memoryUsage().rss;
      const started = performance.now();
      const outcome = await call((server.address() as AddressInfo).port).then(
        () => undefined,
        (error: unknown) => ({ error }),
      );
      for (const socket of sockets) socket.destroy();
      server.close();
      if (performance.now() - started > DEADLINE_MS) throw new Error(`the call took more than ${DEADLINE_MS} ms`);
      if (process.memoryUsage().rss - before > 512 * MIB) throw new Error('the memory grew by more than 512 MiB');
      if (outcome !== undefined) throw outcome.error;
    },
  };
}

const http = (body: string): Buffer =>
  Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
const plain = async (onConnection: (socket: Socket) => void): Promise<Server> => createServer(onConnection);
const pki = buildPki({ address: '127.0.0.1', algorithm: 'ecdsa' });
const LIST = {
  kind: 'NodeList',
  metadata: { continue: 'next' },
  items: [{ metadata: { name: 'a', resourceVersion: '7' } }],
};
const ZONES =
  '<?xml version="1.0"?><ListHostedZonesResponse><HostedZones></HostedZones><IsTruncated>true</IsTruncated><NextMarker>x</NextMarker></ListHostedZonesResponse>';

export const hostileApi = hostile(
  http(JSON.stringify(LIST)),
  async (onConnection) => {
    const { ca, apiserver } = (await pki).pairs;
    const tls = { cert: apiserver.certificate, key: apiserver.key, ca: ca.certificate, requestCert: true };
    return createTlsServer(tls, onConnection).on('tlsClientError', () => undefined);
  },
  async (port) => {
    const { ca, 'admin.conf': client } = (await pki).pairs;
    const access = { server: `https://127.0.0.1:${port}`, ca: ca.certificate, client };
    const store = connectApiServer(access, { timeoutMs: TIMEOUT_MS, bounds: { bodyBytes: MIB } });
    try {
      for await (const { object } of store.list(RESOURCE_KINDS.Node)) object.metadata.name.at(0);
    } finally {
      await store.close();
    }
  },
);

/** The preface of an HTTP/2 server: empty settings. */
export const hostileEtcd = hostile(Buffer.from('000000040000000000', 'hex'), plain, async (port) => {
  const url = `http://127.0.0.1:${port}`;
  const options = { endpoints: [url], connectTimeoutMs: TIMEOUT_MS, requestTimeoutMs: TIMEOUT_MS };
  const client = await openEtcd(options, { host: createLocalHost(), clock: systemClock });
  try {
    for await (const { entries } of client.list(Buffer.from('/registry/'))) String(entries.length);
  } finally {
    client.close();
  }
});

export const hostileHttp = hostile(http('ok'), plain, (port) =>
  createLocalHost().request({ url: `http://127.0.0.1:${port}/readyz`, timeoutMs: TIMEOUT_MS }),
);

export const hostileAws = hostile(http(ZONES), plain, async (port) => {
  const route53 = `http://127.0.0.1:${port}`;
  const account = openAwsAccount({ endpoints: { route53, sts: route53 } }, KEYS, { clock: systemClock });
  try {
    await account.listZones(AbortSignal.timeout(TIMEOUT_MS * 4));
  } catch (error) {
    // The deadline is the caller's.
    if (!(error instanceof Error) || error.name !== 'AbortError') throw error;
  } finally {
    account.close();
  }
});
