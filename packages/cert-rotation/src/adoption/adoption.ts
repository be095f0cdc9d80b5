import type { Certificate } from '@kube-rescue/x509';
import type { KeyObject } from 'node:crypto';
import type { CaEntry } from '../inventory/ca-inventory.ts';
import type { CaId, CertificateId } from '../inventory/catalogue.ts';
import type { CertificateEntry } from '../inventory/inventory.ts';

/** A certificate of a set that replaces one of the node's. */
export interface AdoptedLeaf {
  readonly entry: CertificateEntry;
  readonly certificate: Certificate;
  /** Intermediate CAs, nearest first. */
  readonly intermediates: readonly Certificate[];
  readonly key: KeyObject;
  /** Its location in the set. */
  readonly path: string;
  /** The rule of its verifiers by which another subject will do; `undefined` when the subject is that of the one in use. */
  readonly rule: string | undefined;
}

/** A CA of a set that the node must trust, and sign with. */
export interface AdoptedCa {
  readonly ca: CaEntry;
  readonly certificate: Certificate;
  /** `undefined` when the set lacks it. */
  readonly key: KeyObject | undefined;
  /** Every certificate of the CA comes from the set, so that no certificate of the old CA stays in use. */
  readonly isComplete: boolean;
}

/** The certificates and CAs of a set that this node adopts. */
export interface Adoption {
  readonly leaves: readonly AdoptedLeaf[];
  readonly cas: readonly AdoptedCa[];
  /** The issuing CA of each kind of certificate after the adoption, new to this node or not. */
  readonly roots: ReadonlyMap<CaId, Certificate>;
  /** Lines for the operator: the content of the set, and the node's stage of a rotation. */
  readonly evidence: readonly string[];
}

/** The strictness of the checks of a set. */
export interface AdoptionRules {
  /** A certificate must have every name and usage of the certificate in use. Default: only what this node needs. */
  readonly keepEverything?: boolean | undefined;
  /** Certificates that the set lacks stay as they are, valid or not. Default: false. */
  readonly mayBePartial?: boolean | undefined;
  /** Certificates that stay as they are while they have no problem, even when the set has another. Default: none. */
  readonly keepGood?: readonly CertificateId[] | undefined;
  /** Only the CAs of the node count; other CAs in the set are not adopted. Default: false. */
  readonly keepCas?: boolean | undefined;
}
