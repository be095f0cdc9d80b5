import { type FileReader, recognizableText } from '@kube-rescue/node-config';
import type { HostPath } from '@kube-rescue/host';
import { findCertificateLoss, findPemLoss } from '@kube-rescue/x509';
import type { Credentials } from './certificate-location.ts';
import type { KubeletStore } from './kubelet-inventory.ts';
import { attempt } from './reading.ts';

/** How the content of a file was lost: no file, no content, or its end is missing. */
export type Loss = 'missing' | 'empty' | 'torn';

/** Completes "the file ...". */
export const LOSSES: Readonly<Record<Loss, string>> = {
  missing: 'is missing',
  empty: 'is empty',
  torn: 'is torn: its end is missing',
};

/** For example `the file is empty`. */
export function describeLoss(loss: Loss): string {
  return `the file ${LOSSES[loss]}`;
}

/** For example `the file of its key is empty`. */
export function describeKeyLoss(loss: Loss): string {
  return `the file of its key ${LOSSES[loss]}`;
}

type Located = Credentials & { readonly store?: KubeletStore | undefined };

/**
 * How a certificate was lost with its file, or a kubeconfig with either of its credentials; `undefined` when the certificate can
 * be read, when the file could not be read, and when it holds anything else: a person may have written that.
 */
export async function findLoss(located: Located, reader: FileReader): Promise<Loss | undefined> {
  const { certificate, key, certificateLocation, store } = located;
  if (certificate.ok && (key.ok || certificateLocation.in === 'file')) return undefined;
  return lossOf(certificateLocation.path, reader, (text) => {
    if (certificateLocation.in === 'kubeconfig') return findKubeconfigLoss(text);
    return store === undefined ? findCertificateLoss(text) : findPemLoss(text);
  });
}

/** How the key of a certificate that can be read was lost with its own file. */
export async function findKeyLoss(located: Located, reader: FileReader): Promise<Loss | undefined> {
  const { certificate, key, certificateLocation, keyLocation } = located;
  const isApart = keyLocation.in === 'file' && keyLocation.path !== certificateLocation.path;
  return certificate.ok && !key.ok && isApart ? lossOf(keyLocation.path, reader, findPemLoss) : undefined;
}

/** How the text of a file was lost; `undefined` when the file cannot be read. */
export async function lossOf(
  path: HostPath,
  reader: FileReader,
  judge: (text: string) => Loss | undefined,
): Promise<Loss | undefined> {
  const bytes = await attempt(() => reader.readFile(path));
  if (!bytes.ok) return undefined;
  return bytes.value === undefined ? 'missing' : judge(recognizableText(bytes.value));
}

/** How the text of a kubeconfig was lost: every program that writes one begins it with its version, and ends it with a line break, or JSON with a brace. */
export function findKubeconfigLoss(text: string): Loss | undefined {
  const written = text.replace(/\0+$/, '');
  if (/^\s*$/.test(written)) return 'empty';
  return /^\s*(?:\{|apiVersion:)/.test(written) && !/[\n}]$/.test(written) ? 'torn' : undefined;
}
