import type { CertificateRow } from '@kube-rescue/cert-rotation';
import { describe, expect, it } from 'vitest';
import { renderCertificates } from './certificates.ts';

const PLAIN = { columns: 80, colour: false, live: false };

function row(id: string, path: string, daysLeft: number, more: Partial<CertificateRow> = {}): CertificateRow {
  return {
    id,
    kind: 'serving',
    path,
    subject: 'CN=kube-apiserver',
    issuer: 'CN=kubernetes',
    notBefore: '2025-11-21T11:18:00.000Z',
    notAfter: '2026-11-21T11:18:00.000Z',
    daysLeft,
    algorithm: 'RSA 2048',
    problems: [],
    status: 'ok',
    ...more,
  } as CertificateRow;
}

describe('the certificate table of a node', () => {
  it('shows status, days and problems of each certificate within 80 columns', () => {
    const rows = [
      row('apiserver', '/etc/kubernetes/pki/apiserver.crt', -1, {
        status: 'problem',
        problems: [{ code: 'CERT_EXPIRED', subject: '', message: 'expired on 2026-11-21', hint: 'renew it' }] as never,
      }),
      row('apiserver-kubelet-client', '/etc/kubernetes/pki/apiserver-kubelet-client.crt', 12, { status: 'warning' }),
    ];
    expect(
      renderCertificates({ certificates: rows, findings: [], causes: [], next: null, unread: [] }, PLAIN, {
        verbose: true,
      }),
    ).toBe(`STATUS   DAYS  EXPIRES     ID                        PATH
problem    -1  2026-11-21  apiserver                 /etc/kuber…ki/apiserver.crt
warning    12  2026-11-21  apiserver-kubelet-client  /etc/kuber…belet-client.crt

apiserver
  - expired on 2026-11-21 (CERT_EXPIRED)
    hint: renew it

2 certificates: 1 with problems, 1 with warnings`);
  });

  it('says that all certificates are valid', () => {
    expect(
      renderCertificates(
        { certificates: [row('a', '/a', 300)], findings: [], causes: [], next: null, unread: [] },
        PLAIN,
      ),
    ).toContain('1 certificate, all valid');
  });

  it('is not complete when a file cannot be read', () => {
    const unread = [
      { code: 'MANIFEST_INVALID', path: '/m/kube-apiserver.yaml', message: 'a tab', hint: 'fix it' },
    ] as const;
    const text = renderCertificates(
      { certificates: [row('a', '/a', 300)], findings: [], causes: [], next: null, unread },
      PLAIN,
      { verbose: true },
    );
    expect(text).toContain('not read: /m/kube-apiserver.yaml: a tab (MANIFEST_INVALID)');
    expect(text).toMatch(/1 certificate, all valid; NOT COMPLETE: 1 file/);
  });
});
