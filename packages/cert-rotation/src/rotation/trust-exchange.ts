import { decodeKubeconfig, replaceKubeconfigTrust } from '@kube-rescue/node-config';
import type { HostPath } from '@kube-rescue/host';
import { followLinks } from '../renewal/file-target.ts';
import type { InspectionInput } from '../inventory/inventory.ts';
import { type CaExchange, exchangeCa } from '../objects/ca-exchange.ts';
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
    for (const location of await findTrustLocations(old, { ...input, caPath: files.certificate }, host)) {
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

function renderExchange(location: TrustLocation, bytes: Uint8Array, exchange: CaExchange): Uint8Array {
  const { path } = location;
  const exchanged = (pem: string): string => exchangeCa(pem, exchange, path);
  if (location.in === 'file') return Buffer.from(exchanged(Buffer.from(bytes).toString('latin1')), 'latin1');
  return Buffer.from(replaceKubeconfigTrust(decodeKubeconfig(bytes, path), path, exchanged));
}
