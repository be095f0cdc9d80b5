import type { CertificateRow } from '@kube-rescue/cert-rotation';
import type { CertificateCheck, ClusterCertificates } from '@kube-rescue/diagnosis';

/** A certificate of a file, or of an object of the cluster. */
type MetricRow = Pick<CertificateRow, 'id' | 'path' | 'subject' | 'notBefore' | 'notAfter' | 'status' | 'problems'> & {
  readonly kind: string;
};

type Labels = Readonly<Record<string, string>>;

interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

const PREFIX = 'kube_rescue_certificate';

/** Escapes of label values (Prometheus exposition formats, text format 0.0.4). */
function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function renderMetric({ name, help, samples }: Metric): readonly string[] {
  if (samples.length === 0) return [];
  const lines = samples.map(({ labels, value }) => {
    const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escapeLabel(text)}"`);
    return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`;
  });
  // The text format has no two samples of one name and the same labels.
  return [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, ...new Set(lines)];
}

function labelsOf({ id, kind, path, subject }: MetricRow): Labels {
  return { id, kind, path, subject: subject ?? '' };
}

function secondsOf(date: string | null): number {
  return date === null ? 0 : Math.floor(Date.parse(date) / 1000);
}

/**
 * The certificates as metrics for node-exporter's textfile collector. The names and labels are part of the interface:
 * alerts are written against them.
 */
export function renderPrometheus(
  {
    certificates,
    findings,
    unread,
    cluster,
  }: Pick<CertificateCheck, 'certificates' | 'findings' | 'unread'> & {
    readonly cluster?: Pick<ClusterCertificates, 'certificates'>;
  },
  now: Date,
): string {
  const objects = (cluster?.certificates ?? []).map((row): MetricRow => ({ ...row, id: row.path, kind: 'object' }));
  const rows: readonly MetricRow[] = [...certificates, ...objects];
  const readable = rows.filter(({ notAfter }) => notAfter !== null);
  const metrics: readonly Metric[] = [
    {
      name: `${PREFIX}_not_after_timestamp_seconds`,
      help: 'When the certificate expires, in seconds since the epoch.',
      samples: readable.map((row) => ({ labels: labelsOf(row), value: secondsOf(row.notAfter) })),
    },
    {
      name: `${PREFIX}_not_before_timestamp_seconds`,
      help: 'When the certificate begins to be valid, in seconds since the epoch.',
      samples: readable.map((row) => ({ labels: labelsOf(row), value: secondsOf(row.notBefore) })),
    },
    {
      name: `${PREFIX}_ok`,
      help: '1 when the certificate works, 0 when it does not.',
      samples: rows.map((row) => ({ labels: labelsOf(row), value: row.status === 'problem' ? 0 : 1 })),
    },
    {
      name: `${PREFIX}_problem`,
      help: '1 for each problem of a certificate, with its code and severity.',
      samples: rows.flatMap(({ id, path, problems }) =>
        problems.map(({ code, severity }) => ({ labels: { id, path, code, severity }, value: 1 })),
      ),
    },
    {
      name: `${PREFIX}s_flag_problem`,
      help: '1 for each code of problems with the certificates that flags name.',
      samples: [...new Set(findings.map(({ code }) => code))].map((code) => ({ labels: { code }, value: 1 })),
    },
    {
      name: `${PREFIX}s_unread_file`,
      help: '1 for each file that cannot be read: certificates that only it names are not checked.',
      samples: unread.map(({ path, code }) => ({ labels: { path, code }, value: 1 })),
    },
    {
      name: `${PREFIX}s_complete`,
      help: '1 when every file that names certificates was read, 0 when not.',
      samples: [{ labels: {}, value: unread.length === 0 ? 1 : 0 }],
    },
    {
      name: `${PREFIX}s_checked_timestamp_seconds`,
      help: 'When the certificates of this node were checked, in seconds since the epoch.',
      samples: [{ labels: {}, value: Math.floor(now.getTime() / 1000) }],
    },
  ];
  return metrics.flatMap(renderMetric).join('\n');
}
