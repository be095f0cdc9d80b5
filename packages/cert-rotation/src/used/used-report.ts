import type { RecoveryError } from '@kube-rescue/errors';
import type { Host } from '@kube-rescue/host';
import { findFlag, type UsedFile } from '@kube-rescue/node-config';
import { type Certificate, describeValidity, nameOf, NO_VALIDITY, parseCertificates } from '@kube-rescue/x509';
import { PKI_ERRORS } from '../errors.ts';
import { caKeyPath } from '../inventory/ca-inventory.ts';
import { CERTIFICATES } from '../inventory/catalogue.ts';
import { locateKubeconfig } from '../inventory/certificate-locating.ts';
import { locateKubeletServerStore } from '../inventory/kubelet-inventory.ts';
import type { CertificateInventory } from '../inventory/inventory.ts';
import { attempt } from '../inventory/reading.ts';
import type { JudgementOptions } from '../judgement/judgement.ts';
import { type Problem, reportProblems } from '../judgement/problem.ts';
import type { CertificateRow } from '../judgement/report.ts';
import { readUsedCertificates, type UsedCertificates } from './used-credentials.ts';
import { judgeUsed } from './used-judgement.ts';
import { readUsedTexts } from './used-reading.ts';

/** Certificates that programs of the node use beside those of the catalogue. */
export interface UsedReport {
  readonly rows: readonly CertificateRow[];
  /** Files that are named and could not be read: what is in them was not checked. */
  readonly unread: readonly RecoveryError[];
}

type UsedHost = Pick<Host, 'readFile' | 'readLink' | 'stat' | 'list'>;

/**
 * Finds, reads and judges the certificates in `files`: those of load balancers, cloud controllers, plugins, and of flags that
 * the catalogue does not list. Reads only. A file of the catalogue is left out; of a certificate in several files each has a row.
 */
export async function reportUsedCertificates(
  files: readonly UsedFile[],
  inventory: CertificateInventory,
  options: JudgementOptions,
  { host }: { readonly host: UsedHost },
): Promise<UsedReport> {
  const { texts, missing, problems } = await readUsedTexts(files, pathsOf(inventory), { host });
  const used = (await Promise.all(texts.map((text) => readUsedCertificates(text, host)))).flat();
  const context = { ...options, cas: inventory.cas };
  const unread = used.flatMap(({ certificates }) =>
    !certificates.ok && certificates.error.kind === 'unreadable' ? [certificates.error] : [],
  );
  return {
    rows: [
      ...(await reportKubeletServing(inventory, options, host)),
      ...used
        .filter((each) => !isKnownTrust(each, inventory))
        .map((each) => rowOf(each, judgeUsed(each, context), options.now)),
      // The row of the certificate names its missing key.
      ...missing.filter(({ path }) => !used.some(({ key }) => key?.path === path)).map(rowOfMissing),
    ],
    unread: [...problems, ...unread],
  };
}

/** What the catalogue judges: the kubeconfigs too that only name their certificate. */
function pathsOf({ input, certificates, cas }: CertificateInventory): ReadonlySet<string> {
  const paths = certificates.flatMap(({ certificateLocation, keyLocation, store }) => [
    certificateLocation.path,
    keyLocation.path,
    ...(store?.embedded === undefined ? [] : [store.embedded.kubeconfig]),
  ]);
  const issuers = cas.flatMap((ca) => [ca.path, caKeyPath(ca, input.components)]);
  const kubeconfigs = CERTIFICATES.flatMap((definition) => locateKubeconfig(definition, input) ?? []);
  return new Set([...paths, ...issuers, ...kubeconfigs]);
}

/** The CA of the cluster in a kubeconfig or in a copy has a row already. */
function isKnownTrust({ role, certificates }: UsedCertificates, { cas }: CertificateInventory): boolean {
  if (role !== 'trust' || !certificates.ok) return false;
  const known = cas.flatMap(({ bundle }) => (bundle.ok ? bundle.value : []));
  return certificates.value.every((each) => known.some(({ der }) => Buffer.compare(der, each.der) === 0));
}

function rowOf(
  used: UsedCertificates,
  problems: readonly Problem[],
  now: Date,
  id = `used-by/${used.file.user}`,
): CertificateRow {
  const { certificates, file, path, kind, role } = used;
  const certificate = certificates.ok ? certificates.value[0] : undefined;
  return {
    id,
    kind: role === 'trust' ? 'ca' : kind,
    name: `${role === 'trust' ? 'CA' : 'certificate'} of ${file.user} (${file.through})`,
    path,
    issuer: null,
    ...describe(certificate, now),
    ...reportProblems(problems),
  };
}

function describe(certificate: Certificate | undefined, now: Date) {
  if (certificate === undefined) return { subject: null, ...NO_VALIDITY };
  return { subject: nameOf(certificate.x509.subject) || null, ...describeValidity(certificate, now) };
}

function rowOfMissing({ path, user, through }: UsedFile): CertificateRow {
  const problem: Problem = {
    code: 'PKI_CERTIFICATE_MISSING',
    kind: PKI_ERRORS.PKI_CERTIFICATE_MISSING,
    severity: 'problem',
    message: 'does not exist',
    subject: path,
    hint: `named by ${user} through ${through}; restore the file from a backup, or correct ${through}`,
    fixedBy: 'operator',
  };
  return {
    id: `used-by/${user}`,
    kind: 'file',
    name: `file of ${user} (${through})`,
    path,
    subject: null,
    issuer: null,
    ...NO_VALIDITY,
    ...reportProblems([problem]),
  };
}

const APPROVE =
  'the kubelet asks the cluster for it: when the API server works, approve the pending request of signer kubernetes.io/kubelet-serving (`kubectl get csr`, `kubectl certificate approve NAME`)';

/**
 * The serving certificate that the kubelet requests from the cluster (`serverTLSBootstrap`): no controller approves the
 * request (kubernetes.io, "Kubelet serving certificates").
 */
async function reportKubeletServing(
  { input, cas }: CertificateInventory,
  options: JudgementOptions,
  host: UsedHost,
): Promise<readonly CertificateRow[]> {
  const path = locateKubeletServerStore(input.components);
  if (path === undefined || !(input.only?.includes('kubelet-serving') ?? true)) return [];
  const nodeIps = findFlag(input.components, { component: 'kubelet', flag: 'node-ip' })?.split(',') ?? [];
  const serverNames = nodeIps.filter((each) => !['0.0.0.0', '::'].includes(each));
  const file: UsedFile = {
    path,
    user: 'kubelet',
    through: 'serverTLSBootstrap',
    how: 'named',
    serverNames,
    toHost: (each) => each,
  };
  const bytes = await attempt(() => host.readFile(path));
  if (bytes.ok && bytes.value === undefined) {
    const row = rowOfMissing(file);
    return [
      {
        ...row,
        id: 'kubelet-serving',
        kind: 'kubelet',
        name: 'kubelet serving certificate',
        problems: row.problems.map((each) => ({ ...each, hint: APPROVE })),
      },
    ];
  }
  const text = bytes.ok ? Buffer.from(bytes.value ?? []).toString('latin1') : '';
  const [read] = await readUsedCertificates({ file, text, form: 'pem' }, host);
  const used: UsedCertificates = read ?? {
    ...{ file, path, kind: 'file', role: 'leaf', key: undefined, trusted: [] },
    certificates: await attempt(() => parseCertificates(text, path)),
  };
  const problems = judgeUsed(used, { ...options, cas }).map((each) => ({ ...each, hint: APPROVE }));
  return [
    { ...rowOf(used, problems, options.now, 'kubelet-serving'), kind: 'kubelet', name: 'kubelet serving certificate' },
  ];
}
