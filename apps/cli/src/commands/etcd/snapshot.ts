import { Args } from '@oclif/core';
import { type Answer, NodeCommand } from '../../base-command.ts';
import { saveSnapshotTo } from '../../etcd/snapshot-answer.ts';
import { etcdFlags, toSearch } from '../../etcd/etcd-flags.ts';

export default class EtcdSnapshot extends NodeCommand {
  static override summary = 'Back up etcd to a file for etcdutl snapshot restore.';
  static override description =
    'The file (mode 0600, it holds every Secret) appears under its name only after its length and digest are verified and it is synced to disk. etcdutl is part of etcd since 3.5; before, and only before 3.6, etcdctl snapshot restore reads the file too. Never overwrites a file. Changes nothing in etcd.';
  static override examples = ['<%= config.bin %> etcd snapshot /root/etcd.db'];
  static override args = { file: Args.string({ description: 'file to create', required: true }) };
  static override flags = { ...etcdFlags };

  protected override async answer(): Promise<Answer> {
    const { flags, args } = await this.parse(EtcdSnapshot);
    const session = await this.openSession(flags);
    return saveSnapshotTo(args.file, toSearch(flags, session), session);
  }
}
