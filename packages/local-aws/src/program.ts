/**
 * A local AWS as a program, for the network namespace of a rehearsal: `program.js WORLD.json KEYS.json`.
 *
 * WORLD.json has its addresses, ports and zones. Once it serves, it writes KEYS.json (0600) in the format of the AWS command
 * line: a new key that may maintain records in Route 53. A signal stops it and its name servers.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { type LocalAwsOptions, startLocalAws } from './local-aws.ts';

interface World extends LocalAwsOptions {
  /** Names of public hosted zones, delegated by the parent domain. */
  readonly zones: readonly string[];
}

const RECORD_KEEPER = [
  'sts:GetCallerIdentity',
  'route53:ListHostedZones',
  'route53:ListHostedZonesByName',
  'route53:GetHostedZone',
  'route53:ListResourceRecordSets',
  'route53:ChangeResourceRecordSets',
  'route53:GetChange',
];

const [, , worldFile = '', keysFile = ''] = process.argv;
const world = JSON.parse(await readFile(worldFile, 'utf8')) as World;
const aws = await startLocalAws(world);
for (const name of world.zones) await aws.addZone({ name });
const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey } = aws.addKey({ actions: RECORD_KEEPER });
await writeFile(`${keysFile}.new`, JSON.stringify({ AccessKeyId, SecretAccessKey }), { mode: 0o600 });
await rename(`${keysFile}.new`, keysFile);
process.stdout.write(`serving AWS at ${aws.endpoint}, DNS on port ${aws.dnsPort}, a resolver on port ${aws.resolver.port}
`);
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => void aws.stop().then(() => process.exit(0)));
}
