import {
  assertReissuedCasFit,
  type CaEntry,
  type CaExport,
  type CertificateInventory,
  type ExportedCa,
  exportReissuedCas,
  inspectCertificates,
  readReissuedCas,
  type ReissuedCas,
  type ReissuedCaSet,
} from '@kube-rescue/cert-rotation';
import type { HostFiles, HostPath } from '@kube-rescue/host';
import { assertKubeadmNode, type Node, NodeError } from '@kube-rescue/node';
import { isSameCertificate } from '@kube-rescue/x509';

/** Reissued CA certificates of the operator's files. */
export interface ReissuedCasInput {
  readonly path: HostPath;
  readonly files: Pick<HostFiles, 'list' | 'readRange'>;
}

export interface ReissuedCasOptions {
  /** CA certificates that were reissued once for all control-plane nodes, to install instead of issuing. Default: none. */
  readonly reissuedSet?: ReissuedCaSet | undefined;
}

/**
 * Reissues CAs of this kubeadm control-plane node and writes their certificates into a directory; installs nothing.
 * @throws NodeError `LAYOUT_UNSUPPORTED` `LAYOUT_UNKNOWN`, and what `exportReissuedCas` throws
 */
export async function exportNodeCas(
  node: Node,
  options: Omit<CaExport, 'inventory'>,
  files: Pick<HostFiles, 'stat' | 'writeFile' | 'makeDirectory'>,
): Promise<readonly ExportedCa[]> {
  const description = await node.describe();
  if (description.layout === 'self-hosted') throw selfHosted('reissued');
  assertKubeadmNode(description);
  const inventory = await inspectCertificates(description.inspection, node);
  const { host, clock } = node;
  return exportReissuedCas({ ...options, inventory }, { files, host, clock });
}

/**
 * Reads the certificates that `exportNodeCas` wrote.
 * @throws NodeError `LAYOUT_UNSUPPORTED` for a self-hosted control plane; PkiError `PKI_SET_UNFIT`
 */
export async function openReissuedCas(
  { path, files }: ReissuedCasInput,
  layout: 'kubeadm' | 'self-hosted',
): Promise<ReissuedCaSet> {
  if (layout === 'self-hosted') throw selfHosted('installed');
  return readReissuedCas(path, files);
}

/**
 * The reissued CA certificates as an option of the steps that install them.
 * @throws PkiError `PKI_SET_UNFIT` with every reason at once
 */
export function judgeReissuedCas(
  { reissuedSet }: ReissuedCasOptions,
  inventory: CertificateInventory,
  now: Date,
): { readonly reissued?: ReissuedCas | undefined } {
  if (reissuedSet !== undefined) assertReissuedCasFit(reissuedSet, inventory, now);
  return { reissued: reissuedSet?.cas };
}

/** Whether the certificate of a CA is one that was handed in: it is new on this node, whenever it was issued. */
export function isHandedIn(
  { id, issuer }: Pick<CaEntry, 'id' | 'issuer'>,
  { reissuedSet }: ReissuedCasOptions,
): boolean {
  const reissued = reissuedSet?.cas.get(id);
  return reissued !== undefined && issuer.ok && isSameCertificate(reissued.certificate, issuer.value.certificate);
}

function selfHosted(what: string): NodeError {
  return new NodeError({
    code: 'LAYOUT_UNSUPPORTED',
    message: `a self-hosted control plane has its CAs in Secrets: a CA is not ${what} from files alone`,
    subject: 'the cluster',
    hint: 'make a certificate set with the CA, and install it: `kube-rescue recover --certs DIR`',
  });
}
