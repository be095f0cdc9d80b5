import { type Clock, type Host, type HostFiles, type HostPath, parentPath } from '@kube-rescue/host';
import { toRfc3339 } from '@kube-rescue/errors';
import { assertLifetime, type Certificate, encodePem } from '@kube-rescue/x509';
import { PkiError } from '../errors.ts';
import { type CaEntry } from '../inventory/ca-inventory.ts';
import type { CaId } from '../inventory/catalogue.ts';
import type { CertificateInventory } from '../inventory/inventory.ts';
import { signingCertificate } from '../judgement/ca-judgement.ts';
import { type ExpiryNotice, expiresSoon } from '../judgement/expiry-notice.ts';
import { describeLoss } from '../inventory/loss.ts';
import { blockedCa, findReissueObstacle, nextCaCertificate, observeCa } from './ca-observation.ts';
import { assertCasKnown } from './ca-plans.ts';
import { DEFAULT_CA_DAYS } from './ca-reissue.ts';
import { CERTIFICATE_MODE } from './file-target.ts';
import { assertFree } from './free-paths.ts';
import { reissuedCaFile } from './reissued-cas.ts';

/** Public: it holds certificates alone. */
const DIRECTORY_MODE = 0o755;
const EXISTS = {
  message: 'nothing was written: a CA issued twice would differ between nodes',
  hint: 'install those that exist: `kube-rescue recover --cas DIR` on each control-plane node; or issue others into another directory',
};

/** A CA certificate that was issued and written to a file. */
export interface ExportedCa {
  readonly id: CaId;
  readonly path: HostPath;
  readonly subject: string;
  readonly serialNumber: string;
  /** RFC 3339. */
  readonly notAfter: string;
}

export interface CaExport {
  readonly inventory: CertificateInventory;
  /** Directory of the certificates; created when it does not exist. */
  readonly directory: HostPath;
  /** The CAs to reissue, also valid ones. Default: those that have expired or expire soon. */
  readonly only?: readonly CaId[] | undefined;
  /** Lifetime in days. Default: 3650, kubeadm's. */
  readonly days?: number | undefined;
  /** When a CA expires soon. Default: within 30 days, at most a third of its lifetime. */
  readonly notice?: ExpiryNotice | undefined;
}

export interface CaExportDeps {
  /** Where the certificates are written: the caller's files, not the node's. */
  readonly files: Pick<HostFiles, 'stat' | 'writeFile' | 'makeDirectory'>;
  readonly host: Pick<Host, 'readFile' | 'readLink' | 'stat' | 'list'>;
  readonly clock: Clock;
}

/**
 * Reissues CAs of a node with their own keys and writes the certificates into a directory, by kubeadm's names: issued once, to be
 * installed on every control-plane node. Writes no key. Installs nothing.
 *
 * Empty where no CA has expired or expires soon; then nothing is written.
 * @throws PkiError `PKI_REQUEST_EXISTS`; `PKI_REQUEST_IMPOSSIBLE` with every reason at once; `PKI_CERTIFICATE_UNKNOWN`
 * `PKI_LIFETIME_INVALID`; HostError
 */
export async function exportReissuedCas(
  { inventory, directory, only, days = DEFAULT_CA_DAYS, notice = {} }: CaExport,
  { files, host, clock }: CaExportDeps,
): Promise<readonly ExportedCa[]> {
  assertLifetime(days);
  assertCasKnown(only ?? [], inventory);
  const now = clock.now();
  const due = inventory.cas.filter((ca) => (only === undefined ? isDue(ca, notice, now) : only.includes(ca.id)));
  const issued: { readonly ca: CaEntry; readonly certificate: Certificate }[] = [];
  const obstacles: string[] = [];
  for (const ca of due) {
    const next = await issueAgain(ca, { inventory, days }, host, now);
    if (typeof next === 'string') obstacles.push(next);
    else issued.push({ ca, certificate: next });
  }
  if (obstacles.length > 0) throw impossible(directory, obstacles);
  const exported = issued.map(({ ca: { id }, certificate }) => ({
    ...{ id, path: reissuedCaFile(id, directory), certificate },
    subject: certificate.x509.subject.replaceAll('\n', ', '),
    serialNumber: certificate.x509.serialNumber,
    notAfter: toRfc3339(certificate.notAfter),
  }));
  await assertFree(
    exported.map(({ path }) => path),
    files,
    EXISTS,
  );
  for (const { path, certificate } of exported) {
    await files.makeDirectory(parentPath(path), { mode: DIRECTORY_MODE });
    await files.writeFile(path, Buffer.from(encodePem('CERTIFICATE', certificate.der)), { mode: CERTIFICATE_MODE });
  }
  return exported.map(({ certificate: _certificate, ...row }) => row);
}

/** A lost CA is due too: its absence must not pass unsaid. */
function isDue(ca: CaEntry, notice: ExpiryNotice, now: Date): boolean {
  const current = signingCertificate(ca);
  return current === undefined || expiresSoon(current, now, notice);
}

/** The certificate, or why it cannot be issued here. */
async function issueAgain(
  ca: CaEntry,
  { inventory, days }: { readonly inventory: CertificateInventory; readonly days: number },
  host: CaExportDeps['host'],
  now: Date,
): Promise<Certificate | string> {
  if (ca.lost !== undefined) {
    const { name } = ca.definition;
    return `${name}: ${describeLoss(ca.lost.loss)}; copy it from a control-plane node where it is whole`;
  }
  const context = { ca, input: inventory.input, days, isForced: true, reissued: undefined, host };
  const observation = await observeCa(context, now);
  if (!('current' in observation)) return blockedCa(observation, true, now)?.summary ?? `no ${ca.definition.name}`;
  return findReissueObstacle(observation, now)?.summary ?? nextCaCertificate(context, observation, now);
}

function impossible(directory: HostPath, reasons: readonly string[]): PkiError {
  return new PkiError({
    code: 'PKI_REQUEST_IMPOSSIBLE',
    message: 'nothing was written: not every CA can be reissued on this node',
    reasons,
    subject: directory,
    hint: 'run this on a control-plane node that has the certificate and the key of each CA',
  });
}
