import { readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';

// One task with one client in a process of its own, so that its memory and start are measured too; each client loads only
// its own modules. Plain JavaScript, as installed: type stripping takes time to load.

const [, , clientName, task, endpoint, directory, target] = process.argv;
const [ca, certificate, key] = ['ca.crt', 'client.crt', 'client.key'].map((name) =>
  readFileSync(path.join(directory, name), 'utf8'),
);
const PREFIX = new TextEncoder().encode('/registry/');
const PREFIX_END = new TextEncoder().encode('/registry0');
const PAGE_KEYS = 5000n;

const bytes = clientName === 'kube-rescue' ? await runOurs() : await runConnect();
process.stdout.write(`${bytes}\n`, () => process.exit(0));

async function runOurs() {
  const { openEtcd, saveSnapshot } = await import('@kube-rescue/etcd-access');
  const { createLocalHost, hostPath, systemClock } = await import('@kube-rescue/host');
  const host = createLocalHost();
  const tls = { ca, client: { certificate, key } };
  const client = await openEtcd({ endpoints: [endpoint], tls }, { host, clock: systemClock });
  if (task === 'snapshot') return (await saveSnapshot({ target: hostPath(target) }, { client, host })).bytes;
  let sum = 0;
  for await (const { entries } of client.list(PREFIX)) for (const { value } of entries) sum += value.length;
  return sum;
}

/** As in its documentation: pages with a limit, and a stream that is only counted. */
async function runConnect() {
  const { createClient } = await import('@connectrpc/connect');
  const { createGrpcTransport } = await import('@connectrpc/connect-node');
  const { KV, Maintenance } = await import('../../packages/etcd-access/dist/generated/etcd_pb.js');
  const nodeOptions = { ca, cert: certificate, key };
  const transport = createGrpcTransport({ baseUrl: endpoint, nodeOptions, readMaxBytes: 2 ** 30 });
  let sum = 0;
  if (task === 'snapshot') {
    for await (const { blob } of createClient(Maintenance, transport).snapshot({})) sum += blob.length;
    return sum;
  }
  const client = createClient(KV, transport);
  for (let start = PREFIX, more = true; more; ) {
    const page = await client.range({ key: start, rangeEnd: PREFIX_END, limit: PAGE_KEYS });
    for (const { value } of page.kvs) sum += value.length;
    start = Uint8Array.from([...page.kvs.at(-1).key, 0]);
    ({ more } = page);
  }
  return sum;
}
