import { Flags } from '@oclif/core';
import { type Answer, NodeCommand } from '../../base-command.ts';
import { restoreEtcd } from '../../etcd/etcd-restore.ts';
import { writeFlags } from '../../flags.ts';

export default class EtcdRestore extends NodeCommand {
  static override summary = 'Restore etcd from a snapshot, or from a data directory, as one member.';
  static override description =
    "Checks the file, stops the API server and etcd by their manifests, restores with etcd's own etcdutl (before etcd 3.5: etcdctl) as a new cluster of one member with a raised revision, starts both and proves that the control plane works. What was written after the snapshot is lost. The old data directory is kept: rollback RUN puts it back. Refused while etcd works and for a snapshot of another cluster. Of several members, one is restored where all others are gone for good and named by --without; what brings new control planes in is printed.";
  static override examples = [
    '<%= config.bin %> etcd restore --from /root/etcd.db --dry-run',
    '<%= config.bin %> etcd restore --from-data-dir /mnt/old-disk/var/lib/etcd --etcdutl /root/etcdutl',
    '<%= config.bin %> etcd restore --from-data-dir /var/lib/etcd --without cp2,cp3',
  ];
  static override flags = {
    ...writeFlags,
    from: Flags.string({
      description: 'snapshot of this cluster',
      helpValue: 'FILE',
      exactlyOne: ['from', 'from-data-dir'],
    }),
    'from-data-dir': Flags.string({
      description: 'data directory of a member of this cluster, of which member/snap/db is used',
      helpValue: 'DIR',
    }),
    without: Flags.string({
      description: 'the other members of etcd, all of them off for good (repeatable)',
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
      helpValue: 'NAME,…',
      exclusive: ['replace-working-etcd'],
    }),
    etcdutl: Flags.string({
      description: "restore program of the node's version of etcd; default: etcdutl or etcdctl in PATH",
      helpValue: 'FILE',
    }),
    'replace-working-etcd': Flags.boolean({
      description: 'restore although etcd works: everything since the snapshot is lost',
    }),
    'accept-other-cluster': Flags.boolean({
      description: 'restore although the snapshot has another CA or another UID of kube-system',
    }),
    again: Flags.boolean({ description: 'restore although the data is already restored from this file' }),
  };

  protected override async answer(): Promise<Answer> {
    const { flags } = await this.parse(EtcdRestore);
    const session = await this.openSession(flags);
    const { localFiles } = session;
    const kind = flags.from === undefined ? 'data-directory' : 'snapshot';
    const input = {
      from: { kind, path: localFiles.path(flags.from ?? flags['from-data-dir'] ?? '') },
      files: localFiles.host,
      etcdutl: flags.etcdutl === undefined ? undefined : localFiles.path(flags.etcdutl),
      replaceWorking: flags['replace-working-etcd'],
      acceptOtherCluster: flags['accept-other-cluster'],
      without: flags.without,
      again: flags.again,
    } as const;
    return restoreEtcd(input, flags, session);
  }
}
