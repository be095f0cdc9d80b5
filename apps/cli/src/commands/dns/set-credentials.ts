import { Flags } from '@oclif/core';
import { type Answer, NodeCommand } from '../../base-command.ts';
import { assertOnNetwork, readClientConfig, readSource } from '../../dns/credential-input.ts';
import { controllerFlag, credentialFlags, nameFlags, toNames, toProbes } from '../../dns/dns-flags.ts';
import { openIngressObjects } from '../../dns/node-objects.ts';
import { usageError } from '../../envelope.ts';
import { etcdFlags, toSearch, VIA } from '../../etcd/etcd-flags.ts';
import { seconds, writeFlags } from '../../flags.ts';
import { answerPlaybook } from '../../playbook-run.ts';
import { ingressDns } from '../../wiring.ts';

export default class DnsSetCredentials extends NodeCommand {
  static override summary = 'Give the ingress DNS provider new AWS keys and wait until its names resolve.';
  static override description =
    'Validates the new keys with STS and Route 53, writes them to the Secret of the controller, restarts it, and waits until every name resolves and answers. Journalled: rollback RUN restores the old keys.';
  static override examples = [
    '<%= config.bin %> dns set-credentials --aws-credentials keys.json --dry-run',
    '<%= config.bin %> dns set-credentials --profile ingress --controller dns/external-dns',
  ];
  static override flags = {
    ...writeFlags,
    'aws-credentials': Flags.string({
      description: 'file with the new keys (JSON, a credentials file, or AWS_…= lines); - is standard input',
      helpValue: 'FILE',
      exactlyOne: ['aws-credentials', 'profile'],
    }),
    profile: Flags.string({ description: 'profile of the AWS files with the new keys', helpValue: 'NAME' }),
    region: credentialFlags.region,
    controller: controllerFlag,
    wait: seconds({ description: 'how long to wait for the names: seconds, or 5m', default: 300 }),
    ...nameFlags,
    via: Flags.option({
      options: VIA,
      description: 'read and write etcd, or the API server; default: the API server while it answers',
    })(),
    ...etcdFlags,
  };

  protected override async answer(): Promise<Answer> {
    const { flags } = await this.parse(DnsSetCredentials);
    const session = await this.openSession(flags);
    assertOnNetwork(session.host);
    const names = toNames(flags);
    const probes = toProbes(flags);
    const given = { ...flags, 'role-arn': undefined, 'external-id': undefined };
    const { keys, where, roles } = await readSource(given, session);
    if (keys === undefined || roles.length > 0) {
      throw usageError('not static access keys', where, 'give an access key id with its secret access key');
    }
    const awsClient = await readClientConfig(given, undefined, session);
    const { createCredentialsPlaybook } = await ingressDns();
    const { clock, localFiles } = session;
    const input = { keys, controller: flags.controller, names, awsClient, ...probes, timeoutMs: flags.wait * 1000 };
    const objects = await openIngressObjects({ via: flags.via, search: toSearch(flags, session) }, session);
    const deps = { ...objects, host: localFiles.host, clock };
    const playbook = async () => createCredentialsPlaybook(input, deps);
    return answerPlaybook({ playbook, selection: {}, dryRun: flags['dry-run'], yes: flags.yes }, session);
  }
}
