import { decodeKubeconfig, replaceKubeconfigTrust } from '@kube-rescue/node-config';
import type { HostPath } from '@kube-rescue/host';
import { followLinks } from '../renewal/file-target.ts';
import type { InspectionInput } from '../inventory/inventory.ts';
import { type CaExchange, exchangeCa } from '../objects/ca-exchange.ts';
import { findTrustLocations, type TrustLocation } from '../renewal/trust-locations.ts';
import type { RotationHost, RotationState } from './rotation-state.ts';

/** One file of this node that trusts the authority, with what it is to hold. */
export interface TrustEdit {
  /** The file itself, behind any links. */
  readonly path: HostPath;
  readonly material: Uint8Array;
}

/**
 * What an authority is exchanged for at a stage. `trust`: the old one for both; `issue`: the order changes, because kubeadm takes
 * the first of a bundle for the one of the key; `drop`: every former one for the one that signs.
 */
export function exchangesOf(state: RotationState): readonly CaExchange[] {
  const { current, next, former } = state;
  if (next !== undefined) {
    return [{ old: current.certificate, replacement: [current.certificate, next.certificate] }];
  }
  return former.map((old) => ({ old, replacement: [current.certificate, old] }));
}

/** What drops every former authority. */
export function dropExchangesOf({ current, former }: RotationState): readonly CaExchange[] {
  return former.map((old) => ({ old, replacement: [current.certificate] }));
}

/**
 * The files of a node that an exchange changes: the authority's own, what flags and kubeconfigs name, what kubeconfigs embed.
 * What is signed with apart is none of them.
 */
export async function planTrustEdits(
  exchanges: readonly CaExchange[],
  { files }: Pick<RotationState, 'files'>,
  input: InspectionInput,
  host: RotationHost,
): Promise<readonly TrustEdit[]> {
  const places = new Map<HostPath, TrustLocation>();
  for (const { old } of exchanges) {
    for (const place of await findTrustLocations(old, { ...input, caPath: files.certificate }, host)) {
      if (place.path !== files.signing) places.set(place.path, place);
    }
  }
  const edits: TrustEdit[] = [];
  for (const place of places.values()) {
    const bytes = await host.readFile(place.path);
    if (bytes === undefined) continue;
    const material = exchanges.reduce((before, exchange) => renderExchange(place, before, exchange), bytes);
    if (Buffer.from(material).equals(bytes)) continue;
    edits.push({ path: await followLinks(host, place.path), material });
  }
  return edits;
}

function renderExchange(place: TrustLocation, bytes: Uint8Array, exchange: CaExchange): Uint8Array {
  const { path } = place;
  const exchanged = (pem: string): string => exchangeCa(pem, exchange, path);
  if (place.in === 'file') return Buffer.from(exchanged(Buffer.from(bytes).toString('latin1')), 'latin1');
  return Buffer.from(replaceKubeconfigTrust(decodeKubeconfig(bytes, path), path, exchanged));
}
