import { Args, Flags } from '@oclif/core';
import { type Answer, NodeCommand } from '../../base-command.ts';
import { toPatch } from '../../etcd/assignments.ts';
import { etcdFlags, namespaceFlag, toSearch, VIA } from '../../etcd/etcd-flags.ts';
import { toReference } from '../../etcd/object-name.ts';
import { readLocalFile, readPatchFile } from '../../etcd/patch-file.ts';
import { writeFlags } from '../../flags.ts';
import { answerPlaybook } from '../../playbook-run.ts';

export default class EtcdPatch extends NodeCommand {
  static override summary = 'Change an object of the cluster, even while the API server is down.';
  static override description =
    'Writes through the API server while it is ready, otherwise to etcd without validation. Compare-and-swap: concurrent changes are never overwritten. Journalled: rollback RUN restores the old object. Values of Secrets are shown by length, long ones also by digest.';
  static override examples = [
    '<%= config.bin %> etcd patch secret kube-apiserver -n kube-system --set data.apiserver.crt=@apiserver.crt --dry-run',
    '<%= config.bin %> etcd patch deployment kube-dns -n kube-system --patch-file patch.yaml --via etcd',
  ];
  static override args = {
    kind: Args.string({ description: 'kind: secret, deployments.apps, cm', required: true }),
    name: Args.string({ description: 'name of the object', required: true }),
  };
  static override flags = {
    ...etcdFlags,
    ...writeFlags,
    namespace: namespaceFlag,
    via: Flags.option({
      options: VIA,
      description: 'write to etcd, or through the API server; default: the API server while it is ready',
    })(),
    'patch-file': Flags.string({
      description: 'merge patch in YAML or JSON; null removes a field',
      helpValue: 'FILE',
      aliases: ['file'],
      exactlyOne: ['patch-file', 'set'],
    }),
    set: Flags.string({
      description: 'one field (repeatable): PATH=VALUE, PATH=@FILE (encoded where the field holds base64) or PATH=null',
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
      flags['patch-file'] === undefined
        ? await toPatch(flags.set ?? [], object.kind.kind, readFile)
        : await readPatchFile(localFiles.path(flags['patch-file']), localFiles.host);
    const input = { object, patch, via: flags.via, search: toSearch(flags, session) };
    const playbook = async () => (await import('@kube-rescue/recovery')).createObjectPatchPlaybook(node, input);
    return answerPlaybook({ playbook, selection: {}, dryRun: flags['dry-run'], yes: flags.yes }, session);
  }
}
