import { Args, Flags } from '@oclif/core';
import { type Answer, NodeCommand } from '../../base-command.ts';
import { toPatch } from '../../etcd/assignments.ts';
import { etcdFlags, namespaceFlag, toSearch, VIA } from '../../etcd/etcd-flags.ts';
import { toReference } from '../../etcd/object-name.ts';
import { readLocalFile, readPatchFile } from '../../etcd/patch-file.ts';
import { writeFlags } from '../../flags.ts';
import { answerPlaybook } from '../../playbook-run.ts';

export default class EtcdPatch extends NodeCommand {
  static override summary = 'Change an object of the cluster, also while the API server is dead.';
  static override description =
    'Through the API server while it is ready, in etcd otherwise, where nothing validates what is written. By compare-and-swap: what somebody else changes meanwhile is not overwritten. Journalled: rollback RUN puts the old object back. Of values of Secrets the length is shown, and a digest of long ones.';
  static override examples = [
    '<%= config.bin %> etcd patch secret kube-apiserver -n kube-system --set data.apiserver.crt=@apiserver.crt --dry-run',
    '<%= config.bin %> etcd patch deployment kube-dns -n kube-system --file patch.yaml --via etcd',
  ];
  static override args = {
    kind: Args.string({ description: 'a kind: secret, deployments.apps, cm', required: true }),
    name: Args.string({ description: 'the object', required: true }),
  };
  static override flags = {
    ...etcdFlags,
    ...writeFlags,
    namespace: namespaceFlag,
    via: Flags.option({
      options: VIA,
      description: 'write to etcd, or through the API server; default: the API server while it is ready',
    })(),
    file: Flags.string({
      description: 'a merge patch in YAML or JSON; null removes a field',
      helpValue: 'FILE',
      exactlyOne: ['file', 'set'],
    }),
    set: Flags.string({
      description:
        'one field: PATH=VALUE, PATH=@FILE (encoded where the field holds base64) or PATH=null; more than once: all of them',
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'PATH=VALUE',
    }),
  };

  protected override async answer(): Promise<Answer> {
    const { flags, args } = await this.parse(EtcdPatch);
    const session = await this.openSession(flags);
    const { localFiles, node } = session;
    const object = await toReference(args.kind, args.name, flags.namespace);
    const readFile = (path: string): Promise<Uint8Array> => readLocalFile(localFiles.path(path), localFiles.host);
    const patch =
      flags.file === undefined
        ? await toPatch(flags.set ?? [], object.kind.kind, readFile)
        : await readPatchFile(localFiles.path(flags.file), localFiles.host);
    const input = { object, patch, via: flags.via, search: toSearch(flags, session) };
    const playbook = async () => (await import('@kube-rescue/recovery')).createObjectPatchPlaybook(node, input);
    return answerPlaybook({ playbook, selection: {}, dryRun: flags['dry-run'], yes: flags.yes }, session);
  }
}
