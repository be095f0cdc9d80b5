import { Args } from '@oclif/core';
import { type Answer, NodeCommand } from '../../base-command.ts';
import { saveSnapshotTo } from '../../etcd/snapshot-answer.ts';
import { etcdFlags, toSearch } from '../../etcd/etcd-flags.ts';

export default class EtcdSnapshot extends NodeCommand {
  static override summary = 'Back up etcd into a file that etcdctl snapshot restore takes.';
  static override description =
    'The file (0600: every Secret is in it) has its name only once its length and digest are right and it is on the disk. Never overwrites. Changes nothing in etcd.';
  static override examples = ['<%= config.bin %> etcd snapshot /root/etcd.db'];
  static override args = { file: Args.string({ description: 'the file to make', required: true }) };
  static override flags = { ...etcdFlags };

  protected override async answer(): Promise<Answer> {
    const { flags, args } = await this.parse(EtcdSnapshot);
    const session = await this.openSession(flags);
    return saveSnapshotTo(args.file, toSearch(flags, session), session);
  }
}
