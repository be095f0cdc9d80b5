import type { Clock, Host, HostPath } from '@kube-rescue/host';
import { inspectCertificates, type InspectionInput } from '../inventory/inventory.ts';
import { readCertificateSet, type SetReader } from './certificate-set.ts';
import { type Adoption, type AdoptionRules, judgeCertificateSet } from './set-judgement.ts';

export interface AdoptionInput {
  /** The directory of the set, and whose files it is among: the node's or the caller's. */
  readonly set: { readonly path: HostPath; readonly files: SetReader };
  readonly node: InspectionInput;
  /** Default: the set must have a valid certificate for whatever this node needs. */
  readonly rules?: AdoptionRules | undefined;
}

export interface AdoptionDeps {
  readonly host: Pick<Host, 'readFile' | 'readLink' | 'stat' | 'list'>;
  readonly clock: Clock;
}

/**
 * Reads and matches the set and the node, both read afresh.
 * @throws PkiError `PKI_SET_UNFIT` with every reason at once
 */
export async function judgeAdoption({ set, node, rules }: AdoptionInput, deps: AdoptionDeps): Promise<Adoption> {
  const { host, clock } = deps;
  const inventory = await inspectCertificates(node, { host });
  return judgeCertificateSet(await readCertificateSet(set.path, set.files), inventory, clock.now(), rules);
}
