import { findFlag, readNamedFile } from '@kube-rescue/node-config';
import { type Host, type HostPath, hostPath } from '@kube-rescue/host';
import { type Certificate, isKeyOf, isSameCa, isSameSubject, parsePrivateKey } from '@kube-rescue/x509';
import type { CaEntry, Issuer } from '../inventory/ca-inventory.ts';
import type { CaId } from '../inventory/catalogue.ts';
import { PkiError } from '../errors.ts';
import { inspectCertificates, type InspectionInput } from '../inventory/inventory.ts';

/**
 * The stage of a CA rotation to a new key, as the files of the CA show it.
 * `settled`: one CA, no rotation under way. `trust`: old and new CA are trusted, the old one signs. `issue`: old and new CA are
 * trusted, the new one signs.
 */
export type RotationStage = 'settled' | 'trust' | 'issue';

/** The files of a CA during its rotation. */
interface RotationFiles {
  /** The CA file: a bundle during the stages, the certificate of {@link key} first, because kubeadm takes the first. */
  readonly certificate: HostPath;
  readonly key: HostPath;
  /** The key of the new CA; exists from `trust` until `issue`. */
  readonly nextKey: HostPath;
  /**
   * The certificate that kube-controller-manager signs with during the stages, because it takes no bundle; `undefined` for a CA
   * that it does not sign with, and where its flag names another file.
   */
  readonly signing: HostPath | undefined;
}

export interface RotationState {
  readonly entry: CaEntry;
  readonly stage: RotationStage;
  readonly files: RotationFiles;
  /** The CA that signs now. */
  readonly current: Issuer;
  /** The new CA: trusted, with its key on this node, not yet signing. */
  readonly next: Issuer | undefined;
  /** CAs of the same name with other keys: no longer sign, still trusted. */
  readonly former: readonly Certificate[];
  /** The flag of kube-controller-manager names {@link RotationFiles.signing}. */
  readonly isSigningApart: boolean;
}

export type RotationHost = Pick<Host, 'readFile' | 'readLink' | 'stat' | 'list'>;

/** The content of the files shows the stage, never a marker. */
const SIGNING = '-signing.crt';
const NEXT_KEY = '-next.key';

function beside(path: HostPath, suffix: string): HostPath {
  return hostPath(`${path.replace(/\.[a-z]+$/, '')}${suffix}`);
}

/**
 * Reads the stage of a CA rotation. Reads only.
 *
 * @throws PkiError `PKI_CERTIFICATE_UNKNOWN` when the node has no such CA; `PKI_CA_MISSING`
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
  const signing = beside(entry.path, SIGNING);
  const files: RotationFiles = {
    certificate: entry.path,
    key: current.keyPath,
    nextKey: beside(current.keyPath, NEXT_KEY),
    signing: signs === entry.path || signs === signing ? signing : undefined,
  };
  const next = await readNext(files.nextKey, others, host);
  const former = others.filter(
    (each) => isSameSubject(each, current.certificate) && (next === undefined || !isSameCa(each, next.certificate)),
  );
  const stage = next !== undefined ? 'trust' : former.length > 0 ? 'issue' : 'settled';
  return { entry, stage, files, current, next, former, isSigningApart: signs === signing };
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
    message: 'this node has no such CA',
    subject: id,
    hint: `choose from ${cas.map((ca) => ca.id).join(', ')}; CAs that share one file count as the first`,
  });
}
