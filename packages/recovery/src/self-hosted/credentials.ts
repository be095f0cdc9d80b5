import {
  type AdoptionInput,
  type CertificateId,
  createAdoptionSteps,
  createReissueSteps,
  createRenewalSteps,
  inspectCertificates,
  type InspectionInput,
  type ReissueOptions,
  type RenewalOptions,
} from '@kube-rescue/cert-rotation';
import type { Certificate } from '@kube-rescue/x509';
import type { ObjectStore } from '@kube-rescue/cluster-objects';
import { baseName, type HostPath } from '@kube-rescue/host';
import type { Step } from '@kube-rescue/workflow';
import type { NodeDeps, NodeDescription } from '@kube-rescue/node';
import { overlaySecrets, type SecretDirectory } from './control-plane-files.ts';
import { createScratchFiles, makeInScratch, type ReadableFiles } from './scratch-files.ts';

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
  /** The authority that the API server's certificate comes from then; `undefined` when it cannot be told. */
  readonly root: Certificate | undefined;
  readonly evidence: readonly string[];
}

/** etcd reads these when it starts, and there may be other members: what is good of them stays. */
const ETCD: readonly CertificateId[] = ['etcd/server', 'etcd/peer', 'etcd/healthcheck-client'];

/**
 * Works out what the credentials of a self-hosted control plane are to be: those of a set, or the present ones renewed with
 * the keys of the authorities that are at hand. Judged by what lies in etcd. Writes nothing.
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
  const laid = await overlaySecrets(node, store, deps.host, signal);
  const scratch = createScratchFiles(laid.files);
  const steps = await createCredentialSteps(options, laid.inspection, scratch.files, deps);
  const evidence = await makeInScratch(steps, scratch, signal);
  const secrets = laid.secrets.map((secret) => ({ ...secret, data: new Map<string, Uint8Array>() }));
  const files = new Map<HostPath, Uint8Array>();
  for (const [path, bytes] of scratch.written) {
    const secret = secrets.find(({ folder }) => path.startsWith(`${folder}/`));
    if (secret === undefined) files.set(path, bytes);
    // An authority's own key is no business of a pod that has not been given it before.
    else if ((await laid.files.stat(path)) !== undefined) secret.data.set(baseName(path), bytes);
  }
  return { secrets, files, root: await findRoot(laid.inspection, scratch.files), evidence };
}

async function createCredentialSteps(
  options: CredentialOptions,
  inspection: InspectionInput,
  files: ReadableFiles,
  { clock }: NodeDeps,
): Promise<readonly Step[]> {
  const deps = { host: files, clock };
  const inventory = await inspectCertificates(inspection, { host: files });
  const selfSigned = inventory.certificates.filter(({ ca }) => ca === undefined);
  if (options.adopt !== undefined) {
    const rules = { keepGood: ETCD };
    const adoption = await createAdoptionSteps({ set: options.adopt, node: inspection, rules }, deps);
    const own = createRenewalSteps({ inventory: { ...inventory, certificates: selfSigned }, options }, deps);
    return [...adoption, ...own] as readonly Step[];
  }
  const reissued = inventory.cas.map(({ id }) => id);
  // What is good and cannot be signed here stays until it ends, however soon that is.
  const [signable, others] = partition(inventory.certificates, ({ ca }) =>
    inventory.cas.every(({ id, issuer }) => id !== ca || issuer.ok),
  );
  const patient = { ...options, expiringWithinDays: 0, all: false };
  return [
    ...createReissueSteps({ inventory, options }, deps),
    ...createRenewalSteps({ inventory: { ...inventory, certificates: signable }, options, reissued }, deps),
    ...createRenewalSteps({ inventory: { ...inventory, certificates: others }, options: patient, reissued }, deps),
  ];
}

/** Of a bundle, the authority that signed what the API server presents. */
async function findRoot(inspection: InspectionInput, files: ReadableFiles): Promise<Certificate | undefined> {
  const { certificates, cas } = await inspectCertificates({ ...inspection, only: ['apiserver'] }, { host: files });
  const serving = certificates[0]?.certificate;
  const bundle = cas.find(({ id }) => id === 'cluster')?.bundle;
  if (serving?.ok !== true || bundle?.ok !== true) return undefined;
  return bundle.value.find(({ x509 }) => serving.value.x509.verify(x509.publicKey));
}

function partition<T>(values: readonly T[], isFirst: (value: T) => boolean): readonly [readonly T[], readonly T[]] {
  return [values.filter(isFirst), values.filter((value) => !isFirst(value))];
}
