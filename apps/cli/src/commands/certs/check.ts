import { Flags } from '@oclif/core';
import { type Answer, NodeCommand } from '../../base-command.ts';
import { EXIT } from '../../exit-codes.ts';
import { days, warnWithinFlag } from '../../flags.ts';
import { etcdFlags, toSearch, VIA } from '../../etcd/etcd-flags.ts';
import { renderCertificates } from '../../render/certificates.ts';
import { renderClusterCertificates } from '../../render/cluster-certificates.ts';
import { renderPrometheus } from '../../render/prometheus.ts';
import type { Terminal } from '../../terminal.ts';

export default class CertsCheck extends NodeCommand {
  static override summary = 'Check every certificate that this node uses.';
  static override description =
    'Finds the certificates by component flags and kubeconfigs. Exits 3 when a certificate is invalid or expires within --fail-within (default: --warn-within), when flags contradict each other about certificates, and when a file that names certificates cannot be read. Changes nothing.';
  static override examples = [
    '<%= config.bin %> certs check',
    '<%= config.bin %> certs check --warn-within 60d --json',
    '<%= config.bin %> certs check --fail-within 30d',
    '<%= config.bin %> certs check --output prometheus',
    '<%= config.bin %> certs check --cluster',
  ];
  static override flags = {
    'warn-within': warnWithinFlag,
    'fail-within': days({ description: 'exit 3 only when a certificate is invalid or expires within this time' }),
    output: Flags.option({
      options: ['table', 'json', 'prometheus'] as const,
      description: "output format; prometheus is for node-exporter's textfile collector, json is --json",
      default: 'table' as const,
    })(),
    cluster: Flags.boolean({
      description:
        "also check the certificates in the cluster's objects, and where objects and files trust different CAs",
    }),
    via: Flags.option({
      options: VIA,
      description: 'read the objects from etcd, or through the API server',
      default: VIA[0],
    })(),
    ...etcdFlags,
  };

  protected override async answer(): Promise<Answer> {
    const { flags } = await this.parse(CertsCheck);
    const session = await this.openSession(flags);
    const { node, reporter, clock } = session;
    const { checkCertificates, checkClusterCertificates, dueWithin } = await import('@kube-rescue/diagnosis');
    const check = await checkCertificates(node, { warnWithinDays: flags['warn-within'] });
    const { certificates, findings, unread, passedOver } = check;
    for (const { path, message } of passedOver) reporter.warn(`${path}: ${message}`);
    for (const { id, status, problems } of certificates) {
      if (status === 'warning') for (const { message } of problems) reporter.warn(`${id}: ${message}`);
    }
    const failWithin = flags['fail-within'] ?? flags['warn-within'];
    const isDue = dueWithin(failWithin, clock.now());
    const isSound =
      unread.length === 0 &&
      findings.length === 0 &&
      certificates.every((row) => row.status !== 'problem' && !isDue(row));
    const own = (terminal: Terminal): string =>
      flags.output === 'prometheus' ? renderPrometheus(check, clock.now()) : renderCertificates(check, terminal);
    if (!flags.cluster) {
      return { result: check, exitCode: isSound ? EXIT.done : EXIT.problems, text: own };
    }
    const { signal } = session.interruption;
    const input = { via: flags.via, search: toSearch(flags, session), warnWithinDays: failWithin };
    const cluster = await checkClusterCertificates(node, input, signal);
    if (!cluster.isCurrent) reporter.warn('etcd has no quorum: its objects may be out of date');
    const isClusterSound =
      cluster.disagreements.length === 0 &&
      cluster.certificates.every(({ status, problems }) => status !== 'problem' && problems.length === 0);
    return {
      result: { ...check, cluster },
      exitCode: isSound && isClusterSound ? EXIT.done : EXIT.problems,
      text: (terminal) =>
        flags.output === 'prometheus'
          ? own(terminal)
          : `${own(terminal)}\n\n${renderClusterCertificates(cluster, terminal)}`,
    };
  }
}
