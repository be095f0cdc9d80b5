import { type HostPath, hostPath } from '@kube-rescue/host';
import { planRenewalChanges } from '../renewal-files.ts';
import { type AdoptionDeps, type AdoptionInput, judgeAdoption } from './adoption-input.ts';
import { findAuthorityPlaces } from './authority-places.ts';
import { hasKey, isInstalled, renderAdoptedFile } from './leaf-files.ts';
import type { Adoption } from './set-judgement.ts';

/** What an adoption makes of a node, for whoever keeps some of it elsewhere than in files: in Secrets. */
export interface RenderedAdoption {
  /** Every file that is not as the set wants it, with the bytes to be. Private keys are among them. */
  readonly files: ReadonlyMap<HostPath, Uint8Array>;
  /** The authority that the certificates of each kind come from afterwards. */
  readonly roots: Adoption['roots'];
  /** For people: what the set is, and which stage of a rotation the node is in. */
  readonly evidence: readonly string[];
}

/**
 * Renders every file of a node as a set of certificates wants it. Writes nothing, and leaves out links and what lies in a
 * kubelet's own store of certificates.
 * @throws PkiError `PKI_SET_UNFIT` with every reason at once
 */
export async function renderAdoption(input: AdoptionInput, deps: AdoptionDeps): Promise<RenderedAdoption> {
  const { host, clock } = deps;
  const now = clock.now();
  const adoption = await judgeAdoption(input, deps);
  const rendered = new Map<HostPath, Uint8Array>();
  const readFile = async (path: HostPath): Promise<Uint8Array | undefined> =>
    rendered.get(path) ?? (await host.readFile(path));
  for (const { target, render } of await findAuthorityPlaces(adoption, input.node, { host, now })) {
    rendered.set(target, render(await readFile(target)));
  }
  for (const leaf of adoption.leaves.filter((each) => each.entry.store === undefined && !isInstalled(each))) {
    for (const { target } of await planRenewalChanges(leaf.entry, { newKeys: !hasKey(leaf), now }, host)) {
      const path = hostPath(target);
      rendered.set(path, await renderAdoptedFile(leaf, path, { ...host, readFile }));
    }
  }
  const files = new Map<HostPath, Uint8Array>();
  for (const [path, bytes] of rendered) {
    if (Buffer.compare(bytes, (await host.readFile(path)) ?? new Uint8Array()) !== 0) files.set(path, bytes);
  }
  return { files, roots: adoption.roots, evidence: adoption.evidence };
}
