import type { ClusterDns, CredentialSource } from '@kube-rescue/ingress-dns';
import type { ObjectsVia } from '@kube-rescue/node';
import { isRecoveryError } from '@kube-rescue/errors';
import { Flags } from '@oclif/core';
import { type Answer, NodeCommand } from '../../base-command.ts';
import {
  areGiven,
  assertOnNetwork,
  type CredentialValues,
  readClientConfig,
  readSource,
} from '../../dns/credential-input.ts';
import { ask, assertCanConfirm, isOnTerminal } from '../../confirmation.ts';
import { controllerFlag, credentialFlags, nameFlags, toNames, toProbes, toZoneIds } from '../../dns/dns-flags.ts';
import { openIngressObjects } from '../../dns/node-objects.ts';
import { completeWebIdentity } from '../../dns/web-identity.ts';
import { openWriteTest } from '../../dns/write-test.ts';
import { type EtcdFlags, etcdFlags, toSearch, VIA } from '../../etcd/etcd-flags.ts';
import { usageError } from '../../envelope.ts';
import { CliError } from '../../errors.ts';
import { EXIT } from '../../exit-codes.ts';
import { confirmationFlags } from '../../flags.ts';
import { renderAccount } from '../../render/aws-account.ts';
import { renderConditions } from '../../render/dns-conditions.ts';
import { ingressDns, type Session } from '../../wiring.ts';
import type { Results } from '../../results.ts';

const WRITE_TEST = 'Create and remove a TXT record in each hosted zone that is checked?';
const AWAY =
  'run this on a node; or give AWS keys (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, --profile, --aws-credentials), which are then checked alone; or a name: --domain NAME';

export default class DnsCheck extends NodeCommand {
  static override summary =
    'Find out why names do not resolve to the ingress: AWS credentials, zones, records, resolvers, endpoints.';
  static override description =
    'Checks the conditions in order; the first broken one is the cause. With --domain or --zone-id no cluster is needed; otherwise names and credentials are read from the cluster, even while its API server is down. Away from a node, keys alone are checked: whose they are, and which hosted zones they can see. A web identity (IRSA) is checked by its token, issuer, published keys and --trust-policy, then by AWS. Exits 3 when a condition is broken or unknown. Changes nothing except the test record of --write-test.';
  static override examples = [
    '<%= config.bin %> dns check',
    '<%= config.bin %> dns check --profile dns',
    '<%= config.bin %> dns check --zone-id Z0123456789ABCDEFGHIJ --profile dns',
    '<%= config.bin %> dns check --domain shop.example.com --profile dns --target 192.0.2.10',
    '<%= config.bin %> dns check --domain shop.example.com --aws-credentials - --json < keys.json',
    '<%= config.bin %> dns check --controller dns/external-dns --trust-policy role.json',
  ];
  static override flags = {
    ...nameFlags,
    ...credentialFlags,
    controller: controllerFlag,
    'zone-id': Flags.string({
      description: 'check this hosted zone (repeatable); names are looked up in it first',
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'ID',
      helpGroup: 'DNS',
    }),
    'trust-policy': Flags.string({
      description: 'judge this trust policy of the role of a web identity (IRSA): the answer of aws iam get-role',
      helpValue: 'FILE',
      helpGroup: 'AWS',
    }),
    'write-test': Flags.boolean({
      description: 'prove write permission: create and remove a TXT record in each zone, after a question',
    }),
    yes: confirmationFlags.yes,
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
    if (flags['write-test']) assertCanConfirm({ yes: flags.yes, hasTerminal: isOnTerminal() });
    const given = toNames(flags);
    const zoneIds = toZoneIds(flags);
    const probes = toProbes(flags);
    const cluster = await this.findCluster(flags, given === undefined && zoneIds.length === 0, session);
    const chosen = await this.chooseSource(flags, cluster, zoneIds, session);
    const { source, webIdentity } = await completeWebIdentity(chosen, flags['trust-policy'], session);
    const names = given ?? cluster?.names ?? [];
    const awsClient = await readClientConfig(flags, source, session);
    const { checkIngressDns } = await ingressDns();
    const { clock, localFiles, interruption } = session;
    const { signal } = interruption;
    if (flags['write-test'] && !flags.yes && !(await ask(WRITE_TEST, signal))) {
      throw new CliError({ code: 'DECLINED', message: 'aborted; nothing was changed' });
    }
    const proveChange = flags['write-test'] ? await openWriteTest(session) : undefined;
    const report = await checkIngressDns(
      { source, webIdentity, names, awsClient, ...probes, proveChange, signal },
      { host: localFiles.host, clock },
    );
    return {
      result: report,
      exitCode: report.healthy ? EXIT.done : EXIT.problems,
      text: (terminal) =>
        `${names.length === 0 ? renderAccount(report, terminal) : ''}${renderConditions(report, terminal)}`,
    };
  }

  /** New keys are checked for the zones that the workload in the cluster names by id. */
  private async chooseSource(
    flags: CredentialValues & Pick<ClusterFlags, 'controller'>,
    cluster: ClusterDns | undefined,
    zoneIds: readonly string[],
    session: Session,
  ): Promise<CredentialSource> {
    const { chooseCredentials, matchCredentials, namedZones } = await ingressDns();
    const named = namedZones('--zone-id', zoneIds);
    if (cluster !== undefined && !areGiven(flags)) {
      const { source } = chooseCredentials(cluster.credentials, flags.controller);
      return { ...source, zones: named ?? source.zones };
    }
    const given = await readSource(flags, session);
    const match = cluster && matchCredentials(cluster.credentials, flags.controller);
    return { ...given, zones: named ?? given.zones ?? match?.source.zones };
  }

  /** The DNS of the cluster, where it is asked for. Away from a node, keys that are given are checked alone. */
  private async findCluster(
    flags: EtcdFlags & ClusterFlags & CredentialValues,
    isWanted: boolean,
    session: Session,
  ): Promise<ClusterDns | undefined> {
    if (!isWanted && flags.controller === undefined) return undefined;
    try {
      return await this.readCluster(flags, session);
    } catch (error) {
      if (!isRecoveryError(error, 'NODE_NOT_FOUND') || flags.controller !== undefined) throw error;
      const source = await readSource(flags, session).catch(() => undefined);
      if (source !== undefined) return undefined;
      throw usageError(error.message, error.subject ?? 'dns check', AWAY);
    }
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
