import { COMMAND } from '../../apps/cli/src/cli-process.fixture.ts';
import { type DnsWorld, NAME, startDnsWorld } from '../../packages/ingress-dns/src/dns-world.fixture.ts';
import { inPipe, inTerminal, renderSection, type Shown, withoutTimes } from './shown.ts';

/** A check of keys, and what is special about it. */
interface Case {
  readonly title: string;
  readonly words?: readonly string[];
  /** Default: a key that may do everything. */
  readonly key?: (world: DnsWorld) => { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
  readonly arrange?: (world: DnsWorld) => Promise<unknown>;
}

const CASES: readonly Case[] = [
  { title: 'dns check', key: () => undefined },
  { title: 'dns check, with keys that work' },
  {
    title: 'dns check, with keys that have been deleted',
    key: ({ key }) => ({ ...key, accessKeyId: `AKIA${'0'.repeat(16)}` }),
  },
  {
    title: 'dns check, with keys that may not list zones',
    key: ({ aws }) => aws.addKey({ actions: ['sts:GetCallerIdentity'] }),
  },
  { title: `dns check --domain ${NAME}`, words: ['--domain', NAME] },
  {
    title: `dns check --domain ${NAME}, with keys that may not write`,
    words: ['--domain', NAME],
    key: ({ aws }) => aws.addKey({ actions: ['route53:ListHostedZones', 'route53:ListResourceRecordSets'] }),
  },
];

/** The page of `dns check` on a machine without Kubernetes, against a Route 53 of this machine. */
export async function recordDnsPage(): Promise<string> {
  const sections: string[] = [];
  for (const each of CASES) sections.push(await recordCase(each));
  return `# dns

A machine without Kubernetes, and AWS keys in its environment. Recorded by \`npm run docs:transcripts\` against a Route 53 on the same machine; a test compares. Times and numbers of zones are all zeros.

${sections.join('\n')}`;
}

async function recordCase({ title, words = [], key = (world) => world.key, arrange }: Case): Promise<string> {
  const world = await startDnsWorld();
  try {
    await arrange?.(world);
    const keys = key(world);
    const { aws, port } = world;
    const resolver = `${aws.resolver.address}:${aws.resolver.port}`;
    const near = ['--resolver', resolver, '--dns-port', `${aws.dnsPort}`, '--scheme', 'http', '--port', `${port}`];
    const argv = [
      ...COMMAND,
      'dns',
      'check',
      '--kubernetes-dir',
      '/nonexistent',
      ...(words.length > 0 ? near : []),
      ...words,
    ];
    const env = {
      AWS_ENDPOINT_URL: aws.endpoint,
      ...(keys === undefined
        ? {}
        : { AWS_ACCESS_KEY_ID: keys.accessKeyId, AWS_SECRET_ACCESS_KEY: keys.secretAccessKey }),
    };
    const shown = async (run: typeof inPipe): Promise<Shown> => {
      const { text, exitCode } = await run(argv, env);
      return { text: withoutNumbers(text, world), exitCode };
    };
    return renderSection(`kube-rescue ${title}`, await shown(inTerminal), await shown(inPipe));
  } finally {
    await world.stop();
  }
}

/** Zeros of the same width for what differs from run to run. */
function withoutNumbers(text: string, { zone, port, aws }: DnsWorld): string {
  const numbers = [zone.id, `${port}`, `${aws.dnsPort}`, `${aws.resolver.port}`, new URL(aws.endpoint).port];
  return withoutTimes(numbers.reduce((changed, each) => changed.replaceAll(each, '0'.repeat(each.length)), text));
}
