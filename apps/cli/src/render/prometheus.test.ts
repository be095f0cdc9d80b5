import { expect, it } from 'vitest';
import { renderPrometheus } from './prometheus.ts';

const ROW = {
  id: 'apiserver',
  kind: 'file',
  name: "the API server's",
  path: '/etc/a"b\\c\nd',
  subject: 'CN=x',
  issuer: 'ca/cluster',
  notBefore: '2026-01-01T00:00:00.000Z',
  notAfter: '2027-01-01T00:00:00.000Z',
  daysLeft: 9,
  keyAlgorithm: 'RSA 2048',
  problems: [],
  status: 'ok',
} as const;
const PROBLEM = { code: 'PKI_NAME_MISSING', severity: 'problem', message: 'm', subject: 's', hint: 'h' } as const;
const NOW = new Date('2026-06-01T00:00:00Z');

it('metrics escape their labels and name each sample once', () => {
  const text = renderPrometheus(
    { certificates: [{ ...ROW, status: 'problem', problems: [PROBLEM, PROBLEM] }], findings: [], unread: [] },
    NOW,
  );
  expect(text).toContain(
    'not_after_timestamp_seconds{id="apiserver",kind="file",path="/etc/a\\"b\\\\c\\nd",subject="CN=x"} 1798761600',
  );
  expect(text.match(/_problem\{/g)).toHaveLength(1);
  expect(text).toMatch(/kube_rescue_certificate_ok\{.*\} 0/);
  expect(text).toMatch(/kube_rescue_certificates_checked_timestamp_seconds 1780272000$/);
});

it('every line is a comment or a sample of the text format, and every metric has HELP and TYPE before it', () => {
  const unreadable = {
    ...ROW,
    id: 'x',
    subject: null,
    notAfter: null,
    notBefore: null,
    daysLeft: null,
    keyAlgorithm: null,
  };
  const lines = renderPrometheus({ certificates: [ROW, unreadable], findings: [], unread: [] }, NOW).split('\n');
  const sample = /^([a-z_]+)(?:\{[a-z]+="(?:[^"\\\n]|\\[\\"n])*"(?:,[a-z]+="(?:[^"\\\n]|\\[\\"n])*")*\})? -?\d+$/;
  const typed = new Set<string>();
  for (const line of lines) {
    const [, kind, name] = /^# (HELP|TYPE) ([a-z_]+) ./.exec(line) ?? [];
    if (kind === 'TYPE') typed.add(name ?? '');
    if (kind === undefined) expect([...typed]).toContain(sample.exec(line)?.[1]);
  }
  expect(lines.filter((line) => line.startsWith('kube_rescue_certificate_not_after'))).toHaveLength(1);
});

it('says when the check is not complete', () => {
  const unread = [
    { code: 'MANIFEST_INVALID', path: '/m/kube-apiserver.yaml', message: 'a tab', hint: undefined },
  ] as const;
  const text = renderPrometheus({ certificates: [ROW], findings: [], unread }, NOW);
  expect(text).toContain('kube_rescue_certificates_complete 0');
  expect(text).toContain(
    'kube_rescue_certificates_unread_file{path="/m/kube-apiserver.yaml",code="MANIFEST_INVALID"} 1',
  );
  expect(renderPrometheus({ certificates: [ROW], findings: [], unread: [] }, NOW)).toContain(
    'kube_rescue_certificates_complete 1',
  );
});

it('certificates of objects are metrics beside those of files, by their location', () => {
  const path = 'Secret kube-system/kube-apiserver ca.crt#1';
  const row = {
    ...ROW,
    path,
    found: 'certificate',
    location: null,
    purpose: null,
    form: 'PEM',
    fingerprint: null,
  } as const;
  const text = renderPrometheus(
    { certificates: [ROW], findings: [], unread: [], cluster: { certificates: [row] } },
    NOW,
  );
  expect(text).toContain(`kube_rescue_certificate_ok{id="${path}",kind="object",path="${path}",subject="CN=x"} 1`);
  expect(text.match(/kube_rescue_certificate_ok\{/g)).toHaveLength(2);
});
