import { type Answer, NodeCommand } from '../../base-command.ts';
import { readSource, readWay } from '../../dns/credential-input.ts';
import { credentialFlags, nameFlags, toNames, toProbes } from '../../dns/dns-flags.ts';
import { EXIT } from '../../exit-codes.ts';
import { renderChain } from '../../render/dns-chain.ts';
import { ingressDns } from '../../wiring.ts';

export default class DnsCheck extends NodeCommand {
  static override summary =
    'Find out why names do not lead to the ingress: AWS credentials, zones, records, resolvers, endpoints.';
  static override description =
    'Judges each link of the chain in order and names the first broken one as the cause. Needs no cluster for names that are given. Exits 3 when a link is broken or could not be judged. Changes nothing.';
  static override examples = [
    '<%= config.bin %> dns check --domain shop.example.com',
    '<%= config.bin %> dns check --domain shop.example.com --profile dns --target 192.0.2.10 --json',
    '<%= config.bin %> dns check --domain shop.example.com --aws-credentials - < keys.json',
  ];
  static override flags = { ...nameFlags, ...credentialFlags };

  protected override async answer(): Promise<Answer> {
    const { flags } = await this.parse(DnsCheck);
    const session = await this.openSession(flags);
    const names = toNames(flags) ?? [];
    const probes = toProbes(flags);
    const source = await readSource(flags, session);
    const way = await readWay(flags, source);
    const { checkIngressDns } = await ingressDns();
    const { clock, desk, interruption } = session;
    const deps = { host: desk.host, clock };
    const report = await checkIngressDns({ source, names, way, ...probes, signal: interruption.signal }, deps);
    return {
      result: report,
      exitCode: report.healthy ? EXIT.done : EXIT.problems,
      text: (terminal) => renderChain(report, terminal),
    };
  }
}
