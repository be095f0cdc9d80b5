// Finds and judges the certificates of a cluster's objects. A process of its own, so that its memory is measured alone:
// object-inventory-process.js etcd ENDPOINT DIRECTORY COUNT, or api KUBECONFIG '' COUNT.
import { inspectObjectCertificates, reportObjectFinding } from '@kube-rescue/cert-rotation';
import { readKubeconfigClient } from '@kube-rescue/node-config';
import { connectApiServer } from '@kube-rescue/cluster-objects';
import { createEtcdObjectStore, openEtcd } from '@kube-rescue/etcd-access';
import { createLocalHost, hostPath, systemClock } from '@kube-rescue/host';
import { readFileSync } from 'node:fs';

const [source, location = '', directory = '', count = ''] = process.argv.slice(2);
const host = createLocalHost();

async function open() {
  if (source === 'api') {
    const { server, ca, certificate, key } = await readKubeconfigClient(hostPath(location), { host });
    const store = connectApiServer({ server, ca, client: { certificate, key } });
    return { store, close: () => store.close() };
  }
  const read = (name) => readFileSync(`${directory}/${name}`, 'utf8');
  const tls = { ca: read('ca.crt'), client: { certificate: read('client.crt'), key: read('client.key') } };
  const client = await openEtcd({ endpoints: [location], tls }, { host, clock: systemClock });
  return { store: createEtcdObjectStore({ kv: client, clock: systemClock }), close: () => client.close() };
}

const { store, close } = await open();
const now = systemClock.now();
let found = 0;
for await (const finding of inspectObjectCertificates({ store, now, expiringWithinDays: 30 })) {
  reportObjectFinding(finding, now);
  found += 1;
}
await Promise.resolve(close());
// Two in each Secret: the leaf and its CA.
if (found < Number(count) * 2) {
  process.stderr.write(`found ${found} certificates in ${count} Secrets\n`);
  process.exitCode = 1;
}
