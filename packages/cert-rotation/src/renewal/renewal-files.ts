import {
  type ContextChoice,
  decodeKubeconfig,
  editKubeconfig,
  parseKubeconfig,
  replaceKubeconfigCredentials,
} from '@kube-rescue/node-config';
import { type HostFiles, type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import {
  type Change,
  describeReplacement,
  type FileReplace,
  type LinkReplace,
  readBefore,
} from '@kube-rescue/workflow';
import { readPem, straightenPem } from '@kube-rescue/x509';
import type { CredentialLocation } from '../inventory/certificate-location.ts';
import { followLinks, planFileChange, planLostFile, PRIVATE_KEY_MODE } from './file-target.ts';
import type { CertificateEntry } from '../inventory/inventory.ts';
import type { KubeletStore } from '../inventory/kubelet-inventory.ts';

type Files = Pick<HostFiles, 'stat' | 'readFile' | 'readLink'>;

/** A new certificate and, when it has a new key, that key; PEM texts. Secret: never logged, planned or journalled. */
export interface RenewedPems {
  readonly certificate: string;
  readonly key: string | undefined;
}

/** `kubelet-client-2006-01-02-15-04-05.pem`, in UTC; the next free second when that name exists. */
async function freeDatedPath(files: Files, directory: HostPath, now: Date): Promise<HostPath> {
  for (let second = Math.floor(now.getTime() / 1000); ; second += 1) {
    const stamp = new Date(second * 1000).toISOString().slice(0, 19).replace(/[T:]/g, '-');
    const path = joinPath(directory, `kubelet-client-${stamp}.pem`);
    if ((await files.stat(path)) === undefined) return path;
  }
}

/** Plans a new dated file in the kubelet's store, its link, and kubelet.conf where that embeds the certificate. */
export async function planStoreChanges(store: KubeletStore, now: Date, files: Files): Promise<readonly Change[]> {
  const dated = await freeDatedPath(files, store.directory, now);
  const pem: FileReplace = {
    ...(await describeReplacement(files, { target: dated, after: 'generated', fallbackMode: PRIVATE_KEY_MODE })),
    mode: PRIVATE_KEY_MODE,
  };
  const link: LinkReplace = {
    kind: 'symlink.replace',
    target: store.link,
    before: await readBefore(files, store.link),
    after: dated,
  };
  if (store.embedded === undefined) return [pem, link];
  return [pem, link, await planFileChange(store.embedded.kubeconfig, files)];
}

/**
 * Plans the files that a renewal changes. Reads only digests, modes and owners.
 *
 * @param newKeys whether the key is replaced too
 */
export async function planRenewalChanges(
  entry: CertificateEntry,
  { newKeys, now }: { readonly newKeys: boolean; readonly now: Date },
  files: Files,
): Promise<readonly Change[]> {
  if (entry.store !== undefined) return planStoreChanges(entry.store, now, files);
  const writesKey = newKeys || (entry.key.ok && entry.key.fault !== undefined);
  const paths = new Set([entry.certificateLocation.path, ...(writesKey ? [entry.keyLocation.path] : [])]);
  const isLost = (path: HostPath): boolean => entry.keyLoss !== undefined && path === entry.keyLocation.path;
  return Promise.all(
    [...paths].map((path) =>
      isLost(path) ? planLostFile(path, PRIVATE_KEY_MODE, files) : planFileChange(path, files),
    ),
  );
}

function isCertificate(label: string): boolean {
  return label === 'CERTIFICATE';
}

function isKey(label: string): boolean {
  return label.endsWith('PRIVATE KEY');
}

/** Replaces the first certificate and the first key of a PEM text, keeping its other blocks and their order. */
function renewPem(text: string | undefined, pems: { readonly certificate?: string; readonly key?: string }): string {
  const texts = new Map<number, string>();
  const blocks = text === undefined ? [] : readPem(straightenPem(text) ?? text, 'the old PEM');
  const put = (pem: string | undefined, isPart: (label: string) => boolean): void => {
    const at = blocks.findIndex(({ label }) => isPart(label));
    if (pem !== undefined) texts.set(at === -1 ? blocks.length + texts.size : at, pem);
  };
  put(pems.certificate, isCertificate);
  put(pems.key, isKey);
  blocks.forEach((block, at) => {
    if (!texts.has(at)) texts.set(at, `${block.text}\n`);
  });
  return [...texts]
    .toSorted(([a], [b]) => a - b)
    .map(([, pem]) => pem)
    .join('');
}

async function readText(files: Files, path: HostPath): Promise<string | undefined> {
  const bytes = await files.readFile(path);
  if (bytes === undefined) return undefined;
  const text = Buffer.from(bytes).toString('latin1');
  return straightenPem(text) ?? text;
}

/** The kubelet's order: certificates, then the key (client-go `certificate_store.go` Update). */
async function renderStorePem(store: KubeletStore, pems: RenewedPems, files: Files): Promise<string> {
  const blocks = readPem((await readText(files, store.link)) ?? '', store.link);
  const text = [
    ...blocks.filter(({ label }) => isCertificate(label)),
    ...blocks.filter(({ label }) => !isCertificate(label)),
  ]
    .map((block) => `${block.text}\n`)
    .join('');
  return renewPem(text, { certificate: pems.certificate, ...(pems.key === undefined ? {} : { key: pems.key }) });
}

async function renderKubeconfig(
  path: HostPath,
  parts: { readonly certificate?: string; readonly key?: string },
  choice: ContextChoice,
  files: Files,
): Promise<Uint8Array> {
  const bytes = (await files.readFile(path)) ?? new Uint8Array();
  const { certificate, key } = parseKubeconfig(decodeKubeconfig(bytes, path), path, choice);
  const embedded = { certificate: certificate?.in === 'kubeconfig' ? certificate.text : undefined };
  const keyText = key?.in === 'kubeconfig' ? key.text : undefined;
  const credentials = {
    ...(parts.certificate === undefined
      ? {}
      : { 'client-certificate-data': renewPem(embedded.certificate, { certificate: parts.certificate }) }),
    ...(parts.key === undefined || keyText === undefined ? {} : { 'client-key-data': parts.key }),
  };
  return editKubeconfig(bytes, path, (source) => replaceKubeconfigCredentials(source, path, credentials, choice));
}

function isHere(location: CredentialLocation, target: HostPath, files: Files): Promise<boolean> {
  return followLinks(files, location.path).then((path) => path === target);
}

/** The new bytes of one file of {@link planRenewalChanges}. */
export async function renderRenewedFile(
  entry: CertificateEntry,
  target: HostPath,
  pems: RenewedPems,
  files: Files,
): Promise<Uint8Array> {
  const { store } = entry;
  if (store !== undefined) {
    const pem = await renderStorePem(store, pems, files);
    if (store.embedded === undefined || target !== (await followLinks(files, store.embedded.kubeconfig))) {
      return Buffer.from(pem, 'latin1');
    }
    const key = readPem(pem, target).find(({ label }) => isKey(label));
    return renderKubeconfig(
      store.embedded.kubeconfig,
      { certificate: pems.certificate, ...(key === undefined ? {} : { key: `${key.text}\n` }) },
      entry.contextChoice,
      files,
    );
  }
  const parts = {
    ...((await isHere(entry.certificateLocation, target, files)) ? { certificate: pems.certificate } : {}),
    ...(pems.key !== undefined && (await isHere(entry.keyLocation, target, files)) ? { key: pems.key } : {}),
  };
  const location = 'certificate' in parts ? entry.certificateLocation : entry.keyLocation;
  if (location.in === 'kubeconfig') return renderKubeconfig(location.path, parts, entry.contextChoice, files);
  // A key file that could not be read is replaced as a whole, not patched.
  const isPatched = 'certificate' in parts || entry.key.ok;
  return Buffer.from(renewPem(isPatched ? await readText(files, hostPath(target)) : undefined, parts), 'latin1');
}
