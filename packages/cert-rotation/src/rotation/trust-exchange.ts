import type { HostPath } from '@kube-rescue/host';
import { followLinks } from '../file-target.ts';
import { replaceKubeconfigTrust } from '../kubeconfig.ts';
import type { InspectionInput } from '../inventory.ts';
import { type AuthorityExchange, exchangeAuthority } from '../objects/authority-exchange.ts';
import { decodeKubeconfig } from '../reading.ts';
import { findTrustPlaces, type TrustPlace } from '../trust-places.ts';
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
export function exchangesOf(state: RotationState): readonly AuthorityExchange[] {
  const { current, next, former } = state;
  if (next !== undefined) {
    return [{ old: current.certificate, replacement: [current.certificate, next.certificate] }];
  }
  return former.map((old) => ({ old, replacement: [current.certificate, old] }));
}

/** What drops every former authority. */
export function dropExchangesOf({ current, former }: RotationState): readonly AuthorityExchange[] {
  return former.map((old) => ({ old, replacement: [current.certificate] }));
}

/**
 * The files of a node that an exchange changes: the authority's own, what flags and kubeconfigs name, what kubeconfigs embed.
 * What is signed with apart is none of them.
 */
export async function planTrustEdits(
  exchanges: readonly AuthorityExchange[],
  { files }: Pick<RotationState, 'files'>,
  input: InspectionInput,
  host: RotationHost,
): Promise<readonly TrustEdit[]> {
  const places = new Map<HostPath, TrustPlace>();
  for (const { old } of exchanges) {
    for (const place of await findTrustPlaces(old, { ...input, authorityPath: files.certificate }, host)) {
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

function renderExchange(place: TrustPlace, bytes: Uint8Array, exchange: AuthorityExchange): Uint8Array {
  const { path } = place;
  const exchanged = (pem: string): string => exchangeAuthority(pem, exchange, path);
  if (place.in === 'file') return Buffer.from(exchanged(Buffer.from(bytes).toString('latin1')), 'latin1');
  return Buffer.from(replaceKubeconfigTrust(decodeKubeconfig(bytes, path), path, exchanged));
}
