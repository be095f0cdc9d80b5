import { Args, Flags } from '@oclif/core';
import { type Answer, NodeCommand } from '../../../base-command.ts';
import { EXIT } from '../../../exit-codes.ts';
import { keyAlgorithmFlag } from '../../../flags.ts';
import { renderTable } from '../../../render/table.ts';
import type { Results } from '../../../results.ts';

export default class CertsCsrExport extends NodeCommand {
  static override summary =
    'Write a certificate signing request for every certificate of this node, for an external CA.';
  static override description =
    'The requests have subject, SANs and usages of the certificates in use, and the required SANs that these lack. Changes nothing on the node. Refuses to overwrite an earlier export.';
  static override hiddenAliases = ['certs:generate-csr'];
  static override examples = [
    '<%= config.bin %> certs csr export ./requests',
    '<%= config.bin %> certs csr export ./requests --new-keys --key-algorithm ecdsa-p256',
  ];
  static override args = {
    directory: Args.string({ description: 'directory for the requests and new keys', required: true }),
  };
  static override flags = {
    'new-keys': Flags.boolean({ description: 'generate new private keys; default: every certificate keeps its key' }),
    'key-algorithm': keyAlgorithmFlag,
  };

  protected override async answer(): Promise<Answer<Results['certs csr export']>> {
    const { flags, args } = await this.parse(CertsCsrExport);
    const { node, localFiles } = await this.openSession(flags);
    const directory = localFiles.path(args.directory);
    const { exportNodeRequests } = await import('@kube-rescue/recovery');
    const options = { directory, newKeys: flags['new-keys'], keyAlgorithm: flags['key-algorithm'] };
    const requests = await exportNodeRequests(node, options, localFiles.host);
    const rows = requests.map(({ id, subject, path }) => [id, subject, path]);
    return {
      result: { directory, requests },
      exitCode: EXIT.done,
      text: (terminal) => renderTable({ header: ['ID', 'SUBJECT', 'REQUEST'], rows, flexible: 1 }, terminal),
    };
  }
}
