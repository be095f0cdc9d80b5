/**
 * Maintains a Route 53 record for each host name of the Ingresses, as external-dns does, with the AWS SDK's default
 * credentials. Bad credentials are a soft error: it logs the error and retries.
 *
 * It needs a `node_modules` with the SDK in a parent directory; see `modulesDirectory`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import {
  ChangeResourceRecordSetsCommand,
  ListHostedZonesCommand,
  ListResourceRecordSetsCommand,
  Route53Client,
} from '@aws-sdk/client-route-53';
import { getObject, inClusterAccess } from '../cluster-client.ts';
import { endOnSignals, fail, logLine, reasonOf } from '../program.ts';
import type { Ingress } from '../ingress-controller/routes.ts';
import { chooseZone, findOutdated } from './records.ts';

const { values: flags } = parseArgs({
  options: {
    /** The address of every record. */
    target: { type: 'string' },
    'interval-ms': { type: 'string', default: '3000' },
  },
});
const target = flags.target ?? fail('Missing required flag: --target');

endOnSignals();
const route53 = new Route53Client({ region: 'us-east-1', maxAttempts: 2 });
for (;;) {
  await keepRecords().catch((error: unknown) => logLine(reasonOf(error)));
  await sleep(Number(flags['interval-ms']));
}

async function keepRecords(): Promise<void> {
  const ingresses = await getObject<{ items: readonly Ingress[] }>(
    inClusterAccess(process.env),
    '/apis/networking.k8s.io/v1/ingresses',
  ).catch((error: unknown) => {
    throw new Error(`Failed to list Ingresses: ${reasonOf(error)}`, { cause: error });
  });
  const hosts = new Set(ingresses.items.flatMap(({ spec }) => (spec.rules ?? []).flatMap(({ host }) => host ?? [])));
  const { HostedZones = [] } = await route53.send(new ListHostedZonesCommand({})).catch((error: unknown) => {
    throw new Error(`soft error: failed to list hosted zones: ${reasonOf(error)}`, { cause: error });
  });
  for (const host of hosts) {
    const zone = chooseZone(HostedZones, host);
    if (zone?.Id !== undefined) await keepRecord(zone.Id, host);
  }
}

async function keepRecord(zoneId: string, host: string): Promise<void> {
  const { ResourceRecordSets = [] } = await route53.send(new ListResourceRecordSetsCommand({ HostedZoneId: zoneId }));
  const record = findOutdated(ResourceRecordSets, host, target);
  if (record === undefined) return;
  const Changes = [{ Action: 'UPSERT' as const, ResourceRecordSet: record }];
  await route53.send(new ChangeResourceRecordSetsCommand({ HostedZoneId: zoneId, ChangeBatch: { Changes } }));
  logLine(`Desired change: UPSERT ${host} A ${target}`);
}
