import { Flags } from '@oclif/core';
import { type Answer, NodeCommand } from '../../base-command.ts';
import { usageError } from '../../envelope.ts';
import { etcdFlags, toSearch, VIA } from '../../etcd/etcd-flags.ts';
import { readLocalFile } from '../../etcd/patch-file.ts';
import { writeFlags } from '../../flags.ts';
import { answerPlaybook } from '../../playbook-run.ts';
import { type Session } from '../../wiring.ts';

const SETTING = /^([^/=]+)\/([^/=]+)\/([^/=]+)=@(.+)$/s;

export default class ManifestsCheckpoint extends NodeCommand {
  static override summary = 'Repair the checkpointed pods of this node.';
  static override description =
    'Synchronizes cached Secrets with the cluster, or changes Secrets in cache and cluster together. Stops kubelet, API server and checkpointer meanwhile, so that no process overwrites the files. Restores missing parent pods. Verifies that the API server serves from its own pod for two minutes and survives a kubelet restart.';
  static override examples = [
    '<%= config.bin %> manifests checkpoint --dry-run',
    '<%= config.bin %> manifests checkpoint --set kube-system/kube-apiserver/ca.crt=@ca.crt',
  ];
  static override flags = {
    ...etcdFlags,
    ...writeFlags,
    via: Flags.option({
      options: VIA,
      description: 'write objects to etcd, or through the API server while it answers',
      default: 'etcd' as const,
    })(),
    set: Flags.string({
      description: 'key of a Secret (repeatable): NAMESPACE/SECRET/KEY=@FILE',
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'KEY=@FILE',
    }),
  };

  protected override async answer(): Promise<Answer> {
    const { flags } = await this.parse(ManifestsCheckpoint);
    const session = await this.openSession(flags);
    const contents = await readSettings(flags.set ?? [], session);
    const { node } = session;
    const objects = node.objects.access({ via: flags.via, search: toSearch(flags, session) });
    const playbook = async () =>
      (await import('@kube-rescue/recovery')).createCheckpointPlaybook(node, { contents }, objects);
    return answerPlaybook({ playbook, selection: {}, dryRun: flags['dry-run'], yes: flags.yes }, session);
  }
}

async function readSettings(settings: readonly string[], { localFiles }: Session) {
  if (settings.length === 0) return undefined;
  const secrets = new Map<string, Map<string, Uint8Array>>();
  for (const setting of settings) {
    const [, namespace, name, key, file] = SETTING.exec(setting) ?? [];
    if (namespace === undefined || name === undefined || key === undefined || file === undefined) {
      throw usageError(
        'not a key of a Secret',
        setting.replace(/=.*/s, '=…'),
        'write it as NAMESPACE/SECRET/KEY=@FILE',
      );
    }
    const keys = secrets.get(`${namespace}/${name}`) ?? new Map<string, Uint8Array>();
    secrets.set(`${namespace}/${name}`, keys.set(key, await readLocalFile(localFiles.path(file), localFiles.host)));
  }
  const objects = [...secrets].map(([id, data]) => {
    const [namespace = '', name = ''] = id.split('/');
    return { kind: 'Secret' as const, namespace, name, data };
  });
  return { objects };
}
