import type { Host, HostPath } from '@kube-rescue/host';
import { findFlag, type UsedFile } from '@kube-rescue/node-config';
import { type Certificate, detailCertificate, parseCertificates, readSubject } from '@kube-rescue/x509';
import type { CertificateInventory } from '../inventory/inventory.ts';
import { APPROVE_REQUEST, locateKubeletServerStore } from '../inventory/kubelet-inventory.ts';
import { attempt } from '../inventory/reading.ts';
import type { JudgementOptions } from '../judgement/judgement.ts';
import { hasSigned } from '../judgement/chain-judgement.ts';
import type { CertificateRow } from '../judgement/report.ts';
import { readUsedCertificates, type UsedCertificates } from './used-credentials.ts';
import { judgeUsed } from './used-judgement.ts';
import { rowOf, rowOfMissing } from './used-row.ts';

/** The serving certificate that a kubelet requests from the cluster. */
export interface RequestedServing {
  readonly path: HostPath;
  readonly rows: readonly [CertificateRow];
  /** `undefined` when it is missing or cannot be read. */
  readonly certificate: Certificate | undefined;
}

/** The kubelet presents no certificate that has ended (client-go `util/certificate/certificate_manager.go` Current). */
const PRESENTS_NONE: readonly string[] = ['PKI_CERTIFICATE_EXPIRED', 'PKI_CERTIFICATE_MISSING'];
const CONSEQUENCE =
  'the kubelet presents no certificate, so `kubectl logs`, `kubectl exec` and metrics fail (tls: internal error)';

/**
 * Reads and judges the serving certificate that the kubelet requests from the cluster (`serverTLSBootstrap`): no controller approves
 * the request (kubernetes.io, "Kubelet serving certificates"). `undefined` when it requests none.
 *
 * @throws HostError when the path of the file cannot be read
 */
export async function inspectRequestedServing(
  { input, cas }: CertificateInventory,
  options: JudgementOptions,
  { host }: { readonly host: Pick<Host, 'readFile' | 'readLink' | 'stat' | 'list'> },
): Promise<RequestedServing | undefined> {
  const path = await locateKubeletServerStore(input.components, host);
  if (path === undefined || !(input.only?.includes('kubelet-serving') ?? true)) return undefined;
  const file = usedFile(path, findFlag(input.components, { component: 'kubelet', flag: 'node-ip' }) ?? '');
  const bytes = await attempt(() => host.readFile(path));
  const isMissing = bytes.ok && bytes.value === undefined;
  const text = bytes.ok ? Buffer.from(bytes.value ?? []).toString('latin1') : '';
  const [read] = isMissing ? [] : await readUsedCertificates({ file, text, form: 'pem' }, host);
  const used: UsedCertificates = read ?? {
    ...{ file, path, kind: 'file', role: 'leaf', key: undefined, trusted: [] },
    certificates: await attempt(() => parseCertificates(text, path)),
  };
  const row = isMissing
    ? rowOfMissing(file)
    : rowOf(used, judgeUsed(used, { ...options, cas }), options.now, 'kubelet-serving');
  const problems = row.problems.map((each) => ({
    ...each,
    hint: APPROVE_REQUEST,
    message: PRESENTS_NONE.includes(each.code) ? `${each.message}; ${CONSEQUENCE}` : each.message,
  }));
  return {
    path,
    rows: [{ ...row, id: 'kubelet-serving', kind: 'kubelet', name: 'kubelet serving certificate', problems }],
    certificate: used.certificates.ok ? used.certificates.value[0] : undefined,
  };
}

function usedFile(path: HostPath, nodeIp: string): UsedFile {
  const serverNames = nodeIp.split(',').filter((each) => !['', '0.0.0.0', '::'].includes(each));
  return { path, user: 'kubelet', through: 'serverTLSBootstrap', how: 'named', serverNames, toHost: (each) => each };
}

/** The names of a former serving certificate of this node that a CA of this cluster signed; otherwise none. */
export function formerNamesOf(
  certificate: Certificate | undefined,
  node: string,
  { cas }: Pick<CertificateInventory, 'cas'>,
): readonly string[] {
  if (certificate === undefined || readSubject(certificate).commonNames.join() !== `system:node:${node}`) return [];
  const cluster = cas.find(({ id }) => id === 'cluster');
  const isOurs = cluster?.bundle.ok === true && cluster.bundle.value.some((ca) => hasSigned(ca, certificate));
  if (!isOurs) return [];
  return detailCertificate(certificate, certificate.notAfter).subjectAltNames.map((each) =>
    each.replace(/^(?:DNS|IP):/, ''),
  );
}
