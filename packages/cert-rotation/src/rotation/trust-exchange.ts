import type { HostPath } from '@kube-rescue/host';
import type { Certificate } from '@kube-rescue/x509';
import { followLinks } from '../renewal/file-target.ts';
import type { InspectionInput } from '../inventory/inventory.ts';
import { type CaExchange, exchangeCa } from '../objects/ca-exchange.ts';
import { replaceTrust } from '../renewal/trust-format.ts';
import { findTrustLocations, type TrustLocation } from '../renewal/trust-locations.ts';
import type { RotationHost, RotationState } from './rotation-state.ts';

/** One file of this node that trusts the CA, with its new content. */
export interface TrustEdit {
  /** The target of any links. */
  readonly path: HostPath;
  readonly material: Uint8Array;
}

/**
 * The CA exchanges of a stage. `trust`: both CAs replace the old one; `issue`: the new CA comes first, because kubeadm takes
 * the first certificate of a bundle as that of the key; `drop`: the signing CA replaces every former CA.
 */
export function exchangesOf(state: RotationState): readonly CaExchange[] {
  const { current, next, former } = state;
  if (next !== undefined) {
    return [{ old: current.certificate, replacement: [current.certificate, next.certificate] }];
  }
  return former.map((old) => ({ old, replacement: [current.certificate, old] }));
}

/** The exchanges that remove every former CA. */
export function dropExchangesOf({ current, former }: RotationState): readonly CaExchange[] {
  return former.map((old) => ({ old, replacement: [current.certificate] }));
}

/**
 * The files of a node that an exchange changes: the CA file, files in flags and kubeconfigs, and kubeconfigs with an embedded CA.
 * Does not include the separate signing file.
 */
export async function planTrustEdits(
  exchanges: readonly CaExchange[],
  { files }: Pick<RotationState, 'files'>,
  input: InspectionInput,
  host: RotationHost,
): Promise<readonly TrustEdit[]> {
  const locations = new Map<HostPath, TrustLocation>();
  for (const { old } of exchanges) {
    const survey = await findTrustLocations(old, { ...input, caPath: files.certificate }, host);
    for (const location of survey.locations) {
      if (location.path !== files.signing) locations.set(location.path, location);
    }
  }
  const edits: TrustEdit[] = [];
  for (const location of locations.values()) {
    const bytes = await host.readFile(location.path);
    if (bytes === undefined) continue;
    const material = exchanges.reduce((before, exchange) => renderExchange(location, before, exchange), bytes);
    if (Buffer.from(material).equals(bytes)) continue;
    edits.push({ path: await followLinks(host, location.path), material });
  }
  return edits;
}

function renderExchange({ in: format, path }: TrustLocation, bytes: Uint8Array, exchange: CaExchange): Uint8Array {
  return replaceTrust({ bytes, format, path }, (pem) => exchangeCa(pem, exchange, path));
}

/**
 * Why a stage may not change the trust of this node: a file holds one of the CAs in a form that cannot be changed, and its reader
 * would lose trust. `undefined` when every file can be changed. A flag without a known file is no reason.
 */
export async function findUneditable(
  cas: readonly Certificate[],
  { files }: Pick<RotationState, 'files'>,
  input: InspectionInput,
  host: RotationHost,
): Promise<string | undefined> {
  for (const ca of cas) {
    const { uneditable } = await findTrustLocations(ca, { ...input, caPath: files.certificate }, host);
    const [first] = uneditable.filter(({ path }) => path.startsWith('/'));
    if (first !== undefined) return `${first.path} trusts it and cannot be changed: ${first.reason}`;
  }
  return undefined;
}
