/** Cluster DNS: serves the names of Services over UDP and TCP. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type ClusterAccess, getObject, inClusterAccess } from '../cluster-client.ts';
import { endOnSignals, fail, logLine, reasonOf } from '../program.ts';
import { serveDns } from './dns-server.ts';
import { answer, createServiceRecords, type DnsService, type ServiceRecords } from './service-records.ts';

const SYNC_INTERVAL_MS = 2_000;
/** After that long without a sync it reports itself as not ready. */
const STALE_AFTER_MS = 30_000;

const { values: flags } = parseArgs({
  options: {
    domain: { type: 'string', default: 'cluster.local' },
    'dns-bind-address': { type: 'string', default: '0.0.0.0' },
    'dns-port': { type: 'string', default: '53' },
    'healthz-port': { type: 'string', default: '8081' },
    /** Timeout of the first sync in seconds; like kube-dns it exits afterwards. */
    'initial-sync-timeout': { type: 'string', default: '60' },
  },
});

endOnSignals();
const domain = flags.domain.replace(/\.$/, '');
const startedAt = Date.now();
let records: ServiceRecords | undefined;
let syncedAt = 0;
let lastReason = 'Services have not been read yet';

const health = createServer(({ url }, response) => {
  const isReady = Date.now() - syncedAt < STALE_AFTER_MS;
  const status = url === '/readiness' || url === '/healthz' ? (isReady ? 200 : 503) : 404;
  response.writeHead(status, { 'Content-Type': 'text/plain' });
  response.end(status === 200 ? 'ok\n' : status === 503 ? `${lastReason}\n` : 'not found\n');
}).listen(Number(flags['healthz-port']), flags['dns-bind-address']);
await once(health, 'listening');
logLine(`Serving /readiness on port ${(health.address() as AddressInfo).port}`);

const port = await serveDns(flags['dns-bind-address'], Number(flags['dns-port']), (question) =>
  answer(question, domain, records),
);
logLine(`Serving DNS for ${domain} on ${flags['dns-bind-address']}:${port} (UDP and TCP)`);

// Like the original it reads its CA once: with an outdated CA it fails until it is restarted.
const access = openAccess();
for (;;) {
  await sync(access);
  if (records === undefined && Date.now() - startedAt > Number(flags['initial-sync-timeout']) * 1_000) {
    fail(`Timeout waiting for initialization: ${lastReason}`, 255);
  }
  await sleep(SYNC_INTERVAL_MS);
}

function openAccess(): ClusterAccess {
  try {
    return inClusterAccess(process.env);
  } catch (error) {
    return fail(`Failed to create a kubernetes client: ${reasonOf(error)}`);
  }
}

async function sync(api: ClusterAccess): Promise<void> {
  try {
    const { items } = await getObject<{ items: readonly DnsService[] }>(api, '/api/v1/services');
    if (lastReason !== '') logLine(`Services synced from ${api.server}: ${items.length}`);
    records = createServiceRecords(items, domain);
    syncedAt = Date.now();
    lastReason = '';
  } catch (error) {
    const reason = `Failed to list *v1.Service: ${reasonOf(error)}`;
    if (reason !== lastReason) logLine(reason);
    lastReason = reason;
  }
}
