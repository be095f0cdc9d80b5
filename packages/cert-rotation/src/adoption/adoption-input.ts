import type { Clock, Host, HostPath } from '@kube-rescue/host';
import { inspectCertificates, type InspectionInput } from '../inventory/inventory.ts';
import { readCertificateSet, type SetReader } from './certificate-set.ts';
import type { Adoption, AdoptionRules } from './adoption.ts';
import { judgeCertificateSet } from './set-judgement.ts';

export interface AdoptionInput {
  /** The directory of the set, on the node or on the caller's machine. */
  readonly set: { readonly path: HostPath; readonly files: SetReader };
  readonly node: InspectionInput;
  /** Default: the set must have a valid certificate for each need of this node. */
  readonly rules?: AdoptionRules | undefined;
}

export interface AdoptionDeps {
  readonly host: Pick<Host, 'readFile' | 'readLink' | 'stat' | 'list'>;
  readonly clock: Clock;
}

/**
 * Reads the set and the node again, and matches them.
 * @throws PkiError `PKI_SET_UNFIT` with every reason at once
 */
export async function judgeAdoption({ set, node, rules }: AdoptionInput, deps: AdoptionDeps): Promise<Adoption> {
  const { host, clock } = deps;
  const inventory = await inspectCertificates(node, { host });
  return judgeCertificateSet(await readCertificateSet(set.path, set.files), inventory, clock.now(), rules);
}
