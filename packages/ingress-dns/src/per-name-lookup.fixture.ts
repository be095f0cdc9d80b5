import { ListHostedZonesByNameCommand, ListResourceRecordSetsCommand, Route53Client } from '@aws-sdk/client-route-53';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { AwsKey } from '@kube-rescue/testing';

const ATTEMPTS = 10;

/** Looks up the zone and the record of one name after the other, as a script would. Returns the names without a record. */
export async function lookUpPerName(
  names: readonly string[],
  key: AwsKey,
  endpoint: string,
): Promise<readonly string[]> {
  const options = { credentials: key, region: 'us-east-1', endpoint, maxAttempts: ATTEMPTS };
  await new STSClient(options).send(new GetCallerIdentityCommand({}));
  const client = new Route53Client(options);
  const missing: string[] = [];
  for (const name of names) {
    const zone = name.slice(name.indexOf('.') + 1);
    const { HostedZones } = await client.send(new ListHostedZonesByNameCommand({ DNSName: zone, MaxItems: 1 }));
    const { ResourceRecordSets } = await client.send(
      new ListResourceRecordSetsCommand({
        HostedZoneId: HostedZones?.[0]?.Id,
        StartRecordName: name,
        StartRecordType: 'A',
        MaxItems: 1,
      }),
    );
    if (ResourceRecordSets?.[0]?.Name !== `${name}.`) missing.push(name);
  }
  return missing;
}
