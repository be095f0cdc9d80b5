import type { EtcdReport } from '@kube-rescue/diagnosis';
import type { Answer } from '../base-command.ts';
import { CliError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { renderProbe } from '../render/etcd-probe.ts';
import { renderCluster } from '../render/etcd-status.ts';

/** The answer of `etcd probe`: exit 3 when no combination works. */
export function answerProbe(report: EtcdReport): Answer {
  const { connection, attempts } = report;
  const isWorking = connection?.hasQuorum === true;
  return {
    result: { connection, attempts },
    exitCode: isWorking ? EXIT.done : EXIT.problems,
    text: (terminal) => renderProbe(report, terminal),
    failure: connection === null ? noConnection(report) : undefined,
  };
}

/** The answer of `etcd status`: exit 3 unless etcd is healthy. */
export function answerStatus(report: EtcdReport): Answer {
  const { connection, cluster } = report;
  const failure = connection === null ? noConnection(report) : cluster === null ? noAnswer(report) : undefined;
  return {
    result: { connection, ...(cluster ?? { healthy: false, attempts: report.attempts }) },
    exitCode: cluster?.healthy === true ? EXIT.done : EXIT.problems,
    text: (terminal) => (cluster === null ? renderProbe(report, terminal) : renderCluster(cluster, report, terminal)),
    failure,
  };
}

/** No source of etcd answers. */
export function noConnection({ problem, waiting }: EtcdReport): CliError {
  if (waiting !== null) {
    const { summary, evidence, hint } = waiting;
    return new CliError({ code: 'ETCD_NO_QUORUM', message: summary, reasons: evidence, subject: 'etcd', hint });
  }
  return new CliError({
    code: 'ETCD_NO_WORKING_CREDENTIALS',
    message: `no connection to etcd: ${problem ?? 'no credentials work'}`,
    subject: 'etcd',
    hint: 'see the attempts above; start etcd, renew expired certificates, or give --endpoint, --cacert, --cert and --key',
  });
}

function noAnswer({ problem, connection }: EtcdReport): CliError {
  return new CliError({
    code: 'ETCD_SILENT',
    message: `etcd is reachable, but its status call failed: ${problem ?? 'no reason given'}`,
    subject: connection?.endpoint ?? 'etcd',
    hint: 'see the etcd log in /var/log/pods',
  });
}
