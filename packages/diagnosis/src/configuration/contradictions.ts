import type { CertificateInventory } from '@kube-rescue/cert-rotation';
import { isRecoveryError } from '@kube-rescue/errors';
import type { Host } from '@kube-rescue/host';
import { type ComponentFlags, findFlag, namedPaths } from '@kube-rescue/node-config';
import { type Certificate, findIssuerMismatch, parseCertificates, readSubject } from '@kube-rescue/x509';
import type { Finding } from '../cause.ts';

type Reader = Pick<Host, 'readFile'>;

/**
 * Flags that contradict each other although each file is good alone: one component signs or presents what the other one's flag
 * does not accept. Files that cannot be read are reported elsewhere.
 */
export async function findContradictions(
  components: readonly ComponentFlags[],
  inventory: CertificateInventory,
  { host }: { readonly host: Reader },
): Promise<readonly Finding[]> {
  const findings = await Promise.all([
    findUnacceptedPresenter(inventory, host, ETCD_SERVER),
    findUnacceptedPresenter(inventory, host, KUBELET_SERVER),
  ]);
  return [...findings.flat(), ...findUnlistedFrontProxy(components, inventory)];
}

async function readQuietly(path: Parameters<Reader['readFile']>[0], host: Reader): Promise<string | undefined> {
  try {
    const bytes = await host.readFile(path);
    return bytes && Buffer.from(bytes).toString('latin1');
  } catch (error) {
    if (isRecoveryError(error)) return undefined;
    throw error;
  }
}

interface Presenter {
  readonly id: 'etcd/server' | 'kubelet-serving';
  readonly name: string;
  /** The API server's flag with the CAs that must have signed it. */
  readonly flag: string;
  readonly consequence: string;
}

const ETCD_SERVER: Presenter = {
  id: 'etcd/server',
  name: 'the certificate of etcd',
  flag: 'etcd-cafile',
  consequence: 'the API server refuses etcd',
};
/** Without the flag the API server does not verify kubelets. */
const KUBELET_SERVER: Presenter = {
  id: 'kubelet-serving',
  name: "the kubelet's serving certificate",
  flag: 'kubelet-certificate-authority',
  consequence: 'the API server refuses this kubelet: no logs, no exec',
};

async function findUnacceptedPresenter(
  { input, certificates }: CertificateInventory,
  host: Reader,
  { id, name, flag, consequence }: Presenter,
): Promise<readonly Finding[]> {
  const path = namedPaths(findFlag(input.components, { component: 'kube-apiserver', flag }) ?? '')[0];
  const entry = certificates.find((each) => each.id === id);
  if (path === undefined || entry?.certificate.ok !== true) return [];
  const text = await readQuietly(path, host);
  const trusted = text === undefined ? [] : parseQuietly(text, path);
  const { value: presented } = entry.certificate;
  const isAccepted = trusted.some(
    (each) => findIssuerMismatch(presented, each) === undefined || Buffer.compare(each.der, presented.der) === 0,
  );
  if (trusted.length === 0 || isAccepted) return [];
  return [
    {
      code: 'TRUST_CONTRADICTED',
      summary: `${consequence}: ${name} was not signed by a CA of --${flag}`,
      evidence: [entry.certificateLocation.path, `kube-apiserver --${flag}=${path}`],
      hint: `put the CA that signed ${entry.certificateLocation.path} into ${path}, or renew the certificate with a CA of that file`,
    },
  ];
}

function parseQuietly(text: string, path: string): readonly Certificate[] {
  try {
    return parseCertificates(text, path);
  } catch (error) {
    if (isRecoveryError(error)) return [];
    throw error;
  }
}

/** `--requestheader-allowed-names` lists the common names that may present themselves as the front proxy; empty allows any. */
function findUnlistedFrontProxy(
  components: readonly ComponentFlags[],
  { certificates }: CertificateInventory,
): readonly Finding[] {
  const flag = 'requestheader-allowed-names';
  const allowed = (findFlag(components, { component: 'kube-apiserver', flag }) ?? '')
    .split(',')
    .filter((name) => name !== '');
  const entry = certificates.find(
    (each) => each.id === 'front-proxy-client' || each.alsoServesAs.includes('front-proxy-client'),
  );
  if (allowed.length === 0 || entry?.certificate.ok !== true) return [];
  const { commonNames } = readSubject(entry.certificate.value);
  if (commonNames.some((name) => allowed.includes(name))) return [];
  return [
    {
      code: 'FRONT_PROXY_NOT_ALLOWED',
      summary:
        'extension API servers refuse the API server: the name in its front proxy client certificate is not allowed',
      evidence: [
        `${entry.certificateLocation.path}: common name ${commonNames.join(', ')}`,
        `kube-apiserver --${flag}=${allowed.join(',')}`,
      ],
      hint: `add the name to --${flag}, or recreate the certificate with \`kubeadm init phase certs front-proxy-client\``,
    },
  ];
}
