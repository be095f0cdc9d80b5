import { Flags } from '@oclif/core';
import { type Answer, NodeCommand } from '../../base-command.ts';
import { EXIT } from '../../exit-codes.ts';
import { days, OUTPUT_FORMATS, verboseFlag, warnWithinFlag } from '../../flags.ts';
import { etcdFlags, toSearch, VIA } from '../../etcd/etcd-flags.ts';
import { documentFormat } from '../../output-format.ts';
import { renderCertificates } from '../../render/certificates.ts';
import { renderClusterCertificates } from '../../render/cluster-certificates.ts';
import { renderPrometheus } from '../../render/prometheus.ts';
import type { CertificateResult } from '../../results.ts';
import type { Terminal } from '../../terminal.ts';

export default class CertsCheck extends NodeCommand {
  static override summary = 'Check every certificate that this node uses.';
  static override description =
    'Finds the certificates by component flags and kubeconfigs. Exits 3 when a certificate is invalid or expires within --fail-within (default: --warn-within), when flags contradict each other about certificates, and when a file that names certificates cannot be read. Changes nothing.';
  static override hiddenAliases = ['certs:check-expiration', 'certs:list'];
  static override examples = [
    '<%= config.bin %> certs check',
    '<%= config.bin %> certs check --warn-within 60d --json',
    '<%= config.bin %> certs check --fail-within 30d',
    '<%= config.bin %> certs check --output prometheus --output-file /var/lib/node_exporter/kube_rescue.prom',
    '<%= config.bin %> certs check --cluster',
  ];
  static override flags = {
    'warn-within': warnWithinFlag,
    'fail-within': days({ description: 'exit 3 only when a certificate is invalid or expires within this time' }),
    output: Flags.option({
      char: 'o',
      options: [...OUTPUT_FORMATS, 'prometheus'] as const,
      description:
        "output format; wide has all columns, and cuts none; prometheus is for node-exporter's textfile collector",
      default: 'table' as const,
    })(),
    'output-file': Flags.string({
      description: 'write the output to this file; atomically, with mode 0644',
      helpValue: 'FILE',
    }),
    'exit-zero': Flags.boolean({ description: 'exit 0 also for problems; always so with --output prometheus' }),
    ...verboseFlag,
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
    const isMetrics = flags.output === 'prometheus';
    // Metrics hold them; cron mails what is printed.
    if (!isMetrics) for (const { path, message } of passedOver) reporter.warn(`${path}: ${message}`);
    // The table has them; a program that reads a document finds them in the envelope as well.
    for (const { id, status, problems } of documentFormat(this.argv) === undefined ? [] : certificates) {
      if (status === 'warning') for (const { message } of problems) reporter.warn(`${id}: ${message}`);
    }
    const failWithin = flags['fail-within'] ?? flags['warn-within'];
    const isDue = dueWithin(failWithin, clock.now());
    const isSound =
      unread.length === 0 &&
      findings.length === 0 &&
      certificates.every((row) => row.status !== 'problem' && !isDue(row));
    const own = (terminal: Terminal): string =>
      isMetrics ? renderPrometheus(check, clock.now()) : renderCertificates(check, terminal, flags);
    // A script that publishes the metrics only after success would publish none on the day that they are for.
    const troubled = isMetrics || flags['exit-zero'] ? EXIT.done : EXIT.problems;
    const outputFile = flags['output-file'];
    const summary = {
      warnWithinDays: flags['warn-within'] ?? null,
      failWithinDays: failWithin ?? null,
      counts: countByStatus(certificates),
    };
    if (!flags.cluster) {
      const result: CertificateResult = { healthy: isSound, ...summary, ...check };
      return { result, exitCode: isSound ? EXIT.done : troubled, text: own, outputFile };
    }
    const { signal } = session.interruption;
    const input = { via: flags.via, search: toSearch(flags, session), warnWithinDays: failWithin };
    const cluster = await checkClusterCertificates(node, input, signal);
    if (!cluster.isCurrent) reporter.warn('etcd has no quorum: its objects may be out of date');
    const isClusterSound =
      cluster.disagreements.length === 0 &&
      cluster.certificates.every(({ status, problems }) => status !== 'problem' && problems.length === 0);
    const result: CertificateResult = { healthy: isSound && isClusterSound, ...summary, ...check, cluster };
    return {
      result,
      exitCode: isSound && isClusterSound ? EXIT.done : troubled,
      outputFile,
      text: (terminal) =>
        isMetrics
          ? renderPrometheus({ ...check, cluster }, clock.now())
          : `${renderClusterCertificates(cluster, terminal)}\n\n${own(terminal)}`,
    };
  }
}

function countByStatus(rows: CertificateResult['certificates']): CertificateResult['counts'] {
  const having = (status: (typeof rows)[number]['status']): number =>
    rows.filter((row) => row.status === status).length;
  return { total: rows.length, ok: having('ok'), warning: having('warning'), problem: having('problem') };
}
