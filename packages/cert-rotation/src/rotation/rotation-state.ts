import { findFlag, readNamedFile } from '@kube-rescue/node-config';
import { type Host, type HostPath, hostPath } from '@kube-rescue/host';
import { type Certificate, isKeyOf, isSameCa, isSameSubject, parsePrivateKey } from '@kube-rescue/x509';
import type { CaEntry, Issuer } from '../inventory/ca-inventory.ts';
import type { CaId } from '../inventory/catalogue.ts';
import { PkiError } from '../errors.ts';
import { inspectCertificates, type InspectionInput } from '../inventory/inventory.ts';

/**
 * How far the rotation of an authority to a new key has come, as its own files show it.
 * `settled`: one key, nothing under way. `trust`: a new one is trusted beside it, and signs nothing yet. `issue`: the new one
 * signs, the old one is trusted still.
 */
export type RotationStage = 'settled' | 'trust' | 'issue';

/** The files of an authority while it is rotated. */
interface RotationFiles {
  /** Its own file: a bundle during the stages, the certificate of the key at {@link key} first, because kubeadm takes the first. */
  readonly certificate: HostPath;
  readonly key: HostPath;
  /** The key that is to sign next; there from `trust` until `issue`. */
  readonly nextKey: HostPath;
  /**
   * What kube-controller-manager signs with during the stages, because it takes no bundle; `undefined` for an authority that it
   * does not sign with, and where it has a file of its own anyway.
   */
  readonly signing: HostPath | undefined;
}

export interface RotationState {
  readonly entry: CaEntry;
  readonly stage: RotationStage;
  readonly files: RotationFiles;
  /** Signs now. */
  readonly current: Issuer;
  /** Is trusted, and its key is at hand, to sign next. */
  readonly next: Issuer | undefined;
  /** Of the same name with other keys: signs nothing any more, but is trusted. */
  readonly former: readonly Certificate[];
  /** kube-controller-manager is told to sign with {@link RotationFiles.signing}. */
  readonly isSigningApart: boolean;
}

export type RotationHost = Pick<Host, 'readFile' | 'readLink' | 'stat' | 'list'>;

/** A stage is recognised by what the files hold, never by a marker. */
const SIGNING = '-signing.crt';
const NEXT_KEY = '-next.key';

function beside(path: HostPath, suffix: string): HostPath {
  return hostPath(`${path.replace(/\.[a-z]+$/, '')}${suffix}`);
}

/**
 * Reads how far the rotation of an authority has come. Reads only.
 *
 * @throws PkiError `PKI_CERTIFICATE_UNKNOWN` when the node has no such authority of its own; `PKI_CA_MISSING`
 * `PKI_CA_KEY_MISSING` `PKI_CA_KEY_MISMATCH` and those of a file that cannot be read
 */
export async function inspectRotation(
  id: CaId,
  input: InspectionInput,
  { host }: { readonly host: RotationHost },
): Promise<RotationState> {
  const { cas } = await inspectCertificates({ ...input, only: undefined }, { host });
  const entry = cas.find((ca) => ca.id === id);
  if (entry === undefined) throw unknown(id, cas);
  if (!entry.issuer.ok) throw entry.issuer.error;
  const current = entry.issuer.value;
  const bundle = entry.bundle.ok ? entry.bundle.value : [];
  const others = bundle.filter((each) => !isSameCa(each, current.certificate));
  const signs = findFlag(input.components, { component: 'kube-controller-manager', flag: 'cluster-signing-cert-file' });
  const apart = beside(entry.path, SIGNING);
  const files: RotationFiles = {
    certificate: entry.path,
    key: current.keyPath,
    nextKey: beside(current.keyPath, NEXT_KEY),
    signing: signs === entry.path || signs === apart ? apart : undefined,
  };
  const next = await readNext(files.nextKey, others, host);
  const former = others.filter(
    (each) => isSameSubject(each, current.certificate) && (next === undefined || !isSameCa(each, next.certificate)),
  );
  const stage = next !== undefined ? 'trust' : former.length > 0 ? 'issue' : 'settled';
  return { entry, stage, files, current, next, former, isSigningApart: signs === apart };
}

async function readNext(
  keyPath: HostPath,
  others: readonly Certificate[],
  host: Pick<Host, 'readFile' | 'readLink'>,
): Promise<Issuer | undefined> {
  if ((await host.readFile(keyPath)) === undefined) return undefined;
  const { key } = parsePrivateKey(await readNamedFile(host, keyPath, 'PKI_CA_KEY_MISSING'), keyPath);
  const certificate = others.find((each) => isKeyOf(key, each));
  return certificate && { certificate, key, keyPath };
}

function unknown(id: CaId, cas: readonly CaEntry[]): PkiError {
  return new PkiError({
    code: 'PKI_CERTIFICATE_UNKNOWN',
    message: 'this node has no such authority of its own',
    subject: id,
    hint: `choose from ${cas.map((ca) => ca.id).join(', ')}; authorities that share one file count as the first`,
  });
}
