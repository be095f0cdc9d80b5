import {
  type CertificateId,
  inspectCertificates,
  type InspectionInput,
  type NodeReader,
  type ReissueOptions,
  renew,
  type RenewalOptions,
  type RenewedFiles,
} from '@kube-rescue/cert-rotation';
import { adopt, type AdoptionInput } from '@kube-rescue/cert-rotation/adoption';
import type { Certificate } from '@kube-rescue/x509';
import type { ObjectStore } from '@kube-rescue/cluster-objects';
import { baseName, type HostPath } from '@kube-rescue/host';
import { type NodeDeps, type NodeDescription, NodeError } from '@kube-rescue/node';
import { type ControlPlaneFiles, overlaySecrets, type SecretDirectory } from './control-plane-files.ts';

export interface CredentialOptions extends RenewalOptions, ReissueOptions {
  /** A certificate set to install instead of renewing. Default: none. */
  readonly adopt?: AdoptionInput['set'] | undefined;
}

/** A Secret with its new values; private keys are among them. */
export interface WantedSecret extends SecretDirectory {
  readonly data: ReadonlyMap<string, Uint8Array>;
}

/** The new credentials of a self-hosted control plane, in Secrets and on the node. */
export interface WantedCredentials {
  /** Every Secret that control-plane pods mount, those without new values too. */
  readonly secrets: readonly WantedSecret[];
  /** Files of this node; private keys are among them. */
  readonly files: ReadonlyMap<HostPath, Uint8Array>;
  /** The issuer of the API server's new certificate; `undefined` when it is unknown. */
  readonly root: Certificate | undefined;
  readonly evidence: readonly string[];
}

/** etcd reads these at its start, and may have other members: valid ones are kept. */
const ETCD: readonly CertificateId[] = ['etcd/server', 'etcd/peer', 'etcd/healthcheck-client'];

/**
 * Works out the new credentials of a self-hosted control plane: those of a set, or the present ones renewed with the CA keys on
 * this node. Judges the objects in etcd. Writes nothing.
 *
 * @throws PkiError `PKI_SET_UNFIT` with every reason at once; NodeError `CERTIFICATES_BLOCKED`; ObjectError of the store
 */
export async function workOutCredentials(
  options: CredentialOptions,
  node: NodeDescription,
  store: ObjectStore | undefined,
  deps: NodeDeps,
  signal: AbortSignal,
): Promise<WantedCredentials> {
  const overlaid = await overlaySecrets(node, store, deps.host, signal);
  const renewed = await renewFiles(options, overlaid, { clock: deps.clock, signal });
  assertComplete(renewed);
  const secrets = overlaid.secrets.map((secret) => ({ ...secret, data: new Map<string, Uint8Array>() }));
  const files = new Map<HostPath, Uint8Array>();
  for (const [path, bytes] of renewed.files) {
    const secret = secrets.find(({ directory }) => path.startsWith(`${directory}/`));
    if (secret === undefined) files.set(path, bytes);
    // A pod without a CA key does not get one.
    else if ((await overlaid.files.stat(path)) !== undefined) secret.data.set(baseName(path), bytes);
  }
  const root = await findRoot(overlaid.inspection, renewed.after);
  return { secrets, files, root, evidence: renewed.evidence };
}

async function renewFiles(
  options: CredentialOptions,
  { files: host, inspection }: ControlPlaneFiles,
  { clock, signal }: Pick<NodeDeps, 'clock'> & { readonly signal: AbortSignal },
): Promise<RenewedFiles> {
  const deps = { host, clock, signal };
  if (options.adopt !== undefined) {
    return adopt({ set: options.adopt, node: inspection, rules: { keepGood: ETCD } }, options, deps);
  }
  return renew(await inspectCertificates(inspection, { host }), options, deps);
}

function assertComplete({ otherChanges: [other], blocked }: RenewedFiles): void {
  if (other !== undefined) {
    throw new NodeError({
      code: 'LAYOUT_UNSUPPORTED',
      message: 'unsupported: the kubelet of this self-hosted node keeps its certificate outside its kubeconfig',
      subject: other.target,
      hint: 'embed the certificate in its kubeconfig',
    });
  }
  const [first] = blocked;
  if (first === undefined) return;
  throw new NodeError({
    code: 'CERTIFICATES_BLOCKED',
    message: 'nothing was changed',
    reasons: blocked.map(({ summary }) => summary),
    subject: first.subject ?? 'the certificates of the control plane',
    hint: `pass a certificate set with --certs DIR; or ${first.hint ?? 'fix the causes above'}`,
  });
}

/** Of a bundle, the CA that signed the API server's certificate. */
async function findRoot(inspection: InspectionInput, files: NodeReader): Promise<Certificate | undefined> {
  const { certificates, cas } = await inspectCertificates({ ...inspection, only: ['apiserver'] }, { host: files });
  const serving = certificates[0]?.certificate;
  const bundle = cas.find(({ id }) => id === 'cluster')?.bundle;
  if (serving?.ok !== true || bundle?.ok !== true) return undefined;
  return bundle.value.find(({ x509 }) => serving.value.x509.verify(x509.publicKey));
}
