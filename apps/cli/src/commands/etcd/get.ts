import { Args, Flags } from '@oclif/core';
import { type Answer, NodeCommand } from '../../base-command.ts';
import { etcdFlags, namespaceFlag, toSearch, VIA } from '../../etcd/etcd-flags.ts';
import { answerObjects } from '../../etcd/objects-answer.ts';

export default class EtcdGet extends NodeCommand {
  static override summary = 'Show objects of the cluster, even while the API server is down.';
  static override description =
    'Reads from etcd. One object is printed as the API does, in its stored version, all of a kind in a table; with -o yaml all are printed whole. Values of Secrets are masked. Changes nothing.';
  static override examples = [
    '<%= config.bin %> etcd get secret kube-apiserver --namespace kube-system',
    '<%= config.bin %> etcd get deployments --all-namespaces',
    '<%= config.bin %> etcd get configmaps --namespace kube-system -o yaml',
  ];
  static override args = {
    kind: Args.string({ description: 'kind: secret, deployments.apps, cm', required: true }),
    name: Args.string({ description: 'name of the object; default: all of the kind' }),
  };
  static override flags = {
    ...etcdFlags,
    namespace: namespaceFlag,
    'all-namespaces': Flags.boolean({ char: 'A', description: 'objects of every namespace' }),
    via: Flags.option({ options: VIA, description: 'read from etcd, or through the API server', default: VIA[0] })(),
    'show-secrets': Flags.boolean({ description: 'show values of Secrets, keys and tokens in plain text' }),
  };

  protected override async answer(): Promise<Answer> {
    const { flags, args } = await this.parse(EtcdGet);
    const session = await this.openSession(flags);
    const { kind, name } = args;
    const { via, namespace, 'all-namespaces': everywhere, 'show-secrets': showSecrets } = flags;
    return answerObjects(
      { kind, name, namespace, everywhere, via, showSecrets, search: toSearch(flags, session) },
      session,
    );
  }
}
