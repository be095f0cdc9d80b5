import { Args, Flags } from '@oclif/core';
import { type Answer, NodeCommand } from '../../../base-command.ts';
import { EXIT } from '../../../exit-codes.ts';
import { keyAlgorithmFlag } from '../../../flags.ts';
import { renderTable } from '../../../render/table.ts';

export default class CertsCsrExport extends NodeCommand {
  static override summary =
    'Write a signing request for every certificate of this node, for a CA that is kept elsewhere.';
  static override description =
    'Made from the certificates in use: same subject, names and usages, and the names that they lack. Changes nothing on the node. Refuses to write over an earlier export.';
  static override examples = [
    '<%= config.bin %> certs csr export ./requests',
    '<%= config.bin %> certs csr export ./requests --new-keys --key-algorithm ecdsa-p256',
  ];
  static override args = {
    folder: Args.string({ description: 'where the requests go, and new keys with them', required: true }),
  };
  static override flags = {
    'new-keys': Flags.boolean({ description: 'make new private keys; without it every certificate keeps its key' }),
    'key-algorithm': keyAlgorithmFlag,
  };

  protected override async answer(): Promise<Answer> {
    const { flags, args } = await this.parse(CertsCsrExport);
    const { node, localFiles } = await this.openSession(flags);
    const folder = localFiles.path(args.folder);
    const { exportNodeRequests } = await import('@kube-rescue/recovery');
    const options = { folder, newKeys: flags['new-keys'], keyAlgorithm: flags['key-algorithm'] };
    const requests = await exportNodeRequests(node, options, localFiles.host);
    const rows = requests.map(({ id, subject, path }) => [id, subject, path]);
    return {
      result: { folder, requests },
      exitCode: EXIT.done,
      text: (terminal) => renderTable({ header: ['ID', 'SUBJECT', 'REQUEST'], rows, flexible: 1 }, terminal),
    };
  }
}
