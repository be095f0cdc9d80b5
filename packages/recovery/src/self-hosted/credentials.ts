import {
  adopt,
  type AdoptionInput,
  type CertificateId,
  inspectCertificates,
  type InspectionInput,
  type NodeReader,
  type ReissueOptions,
  renew,
  type RenewalOptions,
  type RenewedFiles,
} from '@kube-rescue/cert-rotation';
import type { Certificate } from '@kube-rescue/x509';
import type { ObjectStore } from '@kube-rescue/cluster-objects';
import { baseName, type HostPath } from '@kube-rescue/host';
import { type NodeDeps, type NodeDescription, NodeError } from '@kube-rescue/node';
import { type ControlPlaneFiles, overlaySecrets, type SecretDirectory } from './control-plane-files.ts';

export interface CredentialOptions extends RenewalOptions, ReissueOptions {
  /** A set of certificates that is installed instead of renewing. Default: none. */
  readonly adopt?: AdoptionInput['set'] | undefined;
}

/** A Secret with the keys that are to hold other bytes; private keys are among them. */
export interface WantedSecret extends SecretDirectory {
  readonly data: ReadonlyMap<string, Uint8Array>;
}

/** What the credentials of a self-hosted control plane are to be, in Secrets and on the node. */
export interface WantedCredentials {
  /** Every Secret that control-plane pods mount, those without other bytes too. */
  readonly secrets: readonly WantedSecret[];
  /** Files of this node; private keys are among them. */
  readonly files: ReadonlyMap<HostPath, Uint8Array>;
  /** The CA that issues the API server's certificate then; `undefined` when it is not known. */
  readonly root: Certificate | undefined;
  readonly evidence: readonly string[];
}

/** etcd reads these when it starts, and there may be other members: what is good of them stays. */
const ETCD: readonly CertificateId[] = ['etcd/server', 'etcd/peer', 'etcd/healthcheck-client'];

/**
 * Works out what the credentials of a self-hosted control plane are to be: those of a set, or the present ones renewed with
 * the CA keys that are at hand. Judged by what lies in etcd. Writes nothing.
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
    const secret = secrets.find(({ folder }) => path.startsWith(`${folder}/`));
    if (secret === undefined) files.set(path, bytes);
    // A pod that had no key of a CA before is given none now.
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
      message:
        'the kubelet of a self-hosted node keeps its certificate in a store of its own, which is not supported yet',
      subject: other.target,
      hint: 'embed the certificate in its kubeconfig',
    });
  }
  const [first] = blocked;
  if (first === undefined) return;
  throw new NodeError({
    code: 'CERTIFICATES_BLOCKED',
    message: blocked.map(({ summary }) => summary).join('; '),
    subject: first.subject ?? 'the certificates of the control plane',
    hint: `give a set of certificates with --certs DIR; or ${first.hint ?? 'fix what is named here'}`,
  });
}

/** Of a bundle, the CA that signed what the API server presents. */
async function findRoot(inspection: InspectionInput, files: NodeReader): Promise<Certificate | undefined> {
  const { certificates, cas } = await inspectCertificates({ ...inspection, only: ['apiserver'] }, { host: files });
  const serving = certificates[0]?.certificate;
  const bundle = cas.find(({ id }) => id === 'cluster')?.bundle;
  if (serving?.ok !== true || bundle?.ok !== true) return undefined;
  return bundle.value.find(({ x509 }) => serving.value.x509.verify(x509.publicKey));
}
