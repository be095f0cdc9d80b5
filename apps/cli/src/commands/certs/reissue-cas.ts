import { Args, Flags } from '@oclif/core';
import { type Answer, NodeCommand } from '../../base-command.ts';
import { assertClockOf } from '../../clock-check.ts';
import { EXIT } from '../../exit-codes.ts';
import { clockFlag, days } from '../../flags.ts';
import { renderReissuedCas } from '../../render/reissued-cas.ts';
import type { Results } from '../../results.ts';

const CAS = ['cluster', 'etcd', 'etcd-peer', 'front-proxy'] as const;

export default class CertsReissueCas extends NodeCommand {
  static override summary = 'Issue CA certificates once, with the same keys, for every control-plane node.';
  static override description =
    'Writes the certificates alone, no key, and installs nothing. Run it on one node, copy the directory to each control-plane node, then run recover --cas there, also on this one. Refuses to overwrite an earlier issue.';
  static override examples = [
    '<%= config.bin %> certs reissue-cas --out ./cas',
    '<%= config.bin %> certs reissue-cas cluster etcd --out ./cas --days 3650',
  ];
  static override args = {
    ca: Args.string({
      description: 'CA to reissue, also a valid one; default: every CA that has expired or expires soon',
      options: [...CAS],
      multiple: true,
    }),
  };
  static override flags = {
    out: Flags.string({ description: 'directory for the certificates', helpValue: 'DIR', required: true }),
    days: days({ description: 'lifetime of the new CA certificates', default: 3650 }),
    'renew-within': days({
      description: 'a CA expires soon within this time; default: 30d, at most a third of its lifetime',
    }),
    ...clockFlag,
  };

  protected override async answer(): Promise<Answer<Results['certs reissue-cas']>> {
    const { flags, args } = await this.parse(CertsReissueCas);
    const session = await this.openSession(flags);
    await assertClockOf(flags, { dryRun: false }, session);
    const { node, localFiles } = session;
    const directory = localFiles.path(flags.out);
    const { exportNodeCas } = await import('@kube-rescue/recovery');
    const only = args.ca as readonly (typeof CAS)[number][] | undefined;
    const notice = { expiringWithinDays: flags['renew-within'] };
    const options = { directory, days: flags.days, only: only?.length === 0 ? undefined : only, notice };
    const cas = await exportNodeCas(node, options, localFiles.host);
    return {
      result: { directory, cas },
      exitCode: EXIT.done,
      text: (terminal) => renderReissuedCas({ directory, cas }, terminal),
    };
  }
}
