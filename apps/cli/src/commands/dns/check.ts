import type { ClusterDns, CredentialSource } from '@kube-rescue/ingress-dns';
import type { ObjectsVia } from '@kube-rescue/node';
import { Flags } from '@oclif/core';
import { type Answer, NodeCommand } from '../../base-command.ts';
import {
  areGiven,
  assertOnNetwork,
  type CredentialValues,
  readClientConfig,
  readSource,
} from '../../dns/credential-input.ts';
import { controllerFlag, credentialFlags, nameFlags, toNames, toProbes } from '../../dns/dns-flags.ts';
import { openIngressObjects } from '../../dns/node-objects.ts';
import { openWriteTest } from '../../dns/write-test.ts';
import { type EtcdFlags, etcdFlags, toSearch, VIA } from '../../etcd/etcd-flags.ts';
import { EXIT } from '../../exit-codes.ts';
import { renderConditions } from '../../render/dns-conditions.ts';
import { ingressDns, type Session } from '../../wiring.ts';
import type { Results } from '../../results.ts';

export default class DnsCheck extends NodeCommand {
  static override summary =
    'Find out why names do not resolve to the ingress: AWS credentials, zones, records, resolvers, endpoints.';
  static override description =
    'Checks the conditions in order; the first broken one is the cause. With --domain no cluster is needed; otherwise names and credentials are read from the cluster, even while its API server is down. Exits 3 when a condition is broken or unknown. Changes nothing except the test record of --write-test.';
  static override examples = [
    '<%= config.bin %> dns check',
    '<%= config.bin %> dns check --domain shop.example.com --profile dns --target 192.0.2.10',
    '<%= config.bin %> dns check --domain shop.example.com --aws-credentials - --json < keys.json',
  ];
  static override flags = {
    ...nameFlags,
    ...credentialFlags,
    controller: controllerFlag,
    'write-test': Flags.boolean({
      description: 'prove write permission: create and remove a TXT record in each zone',
    }),
    via: Flags.option({
      options: VIA,
      description: 'read objects from etcd, or through the API server; default: the API server while it answers',
    })(),
    ...etcdFlags,
  };

  protected override async answer(): Promise<Answer<Results['dns check']>> {
    const { flags } = await this.parse(DnsCheck);
    const session = await this.openSession(flags);
    assertOnNetwork(session.host);
    const given = toNames(flags);
    const probes = toProbes(flags);
    const isAboutCluster = given === undefined || flags.controller !== undefined;
    const cluster = isAboutCluster ? await this.readCluster(flags, session) : undefined;
    const source = await this.chooseSource(flags, cluster, session);
    const names = given ?? cluster?.names ?? [];
    const awsClient = await readClientConfig(flags, source, session);
    const { checkIngressDns } = await ingressDns();
    const { clock, localFiles, interruption } = session;
    const { signal } = interruption;
    const proveChange = flags['write-test'] ? await openWriteTest(session) : undefined;
    const report = await checkIngressDns(
      { source, names, awsClient, ...probes, proveChange, signal },
      { host: localFiles.host, clock },
    );
    return {
      result: report,
      exitCode: report.healthy ? EXIT.done : EXIT.problems,
      text: (terminal) => renderConditions(report, terminal),
    };
  }

  /** New keys are checked for the zones that the workload in the cluster names by id. */
  private async chooseSource(
    flags: CredentialValues & Pick<ClusterFlags, 'controller'>,
    cluster: ClusterDns | undefined,
    session: Session,
  ): Promise<CredentialSource> {
    const { chooseCredentials, matchCredentials } = await ingressDns();
    if (cluster === undefined) return readSource(flags, session);
    if (!areGiven(flags)) return chooseCredentials(cluster.credentials, flags.controller).source;
    const given = await readSource(flags, session);
    return { ...given, zones: given.zones ?? matchCredentials(cluster.credentials, flags.controller)?.source.zones };
  }

  private async readCluster(flags: EtcdFlags & ClusterFlags, session: Session): Promise<ClusterDns> {
    const { readClusterDns } = await ingressDns();
    const { objects } = await openIngressObjects({ via: flags.via, search: toSearch(flags, session) }, session);
    const cluster = await readClusterDns(objects, session.interruption.signal);
    for (const gap of cluster.gaps) session.reporter.warn(`omitted: ${gap}`);
    return cluster;
  }
}

interface ClusterFlags {
  readonly via: ObjectsVia | undefined;
  readonly controller: string | undefined;
}
