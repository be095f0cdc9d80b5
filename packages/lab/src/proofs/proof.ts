import { describeError, isRecoveryError } from '@kube-rescue/errors';

/** One fact about a cluster, with the evidence. */
export interface Proof {
  /** The claim, for example `the API server does not answer`. */
  readonly name: string;
  readonly ok: boolean;
  /** The evidence, where possible as the observing program printed it. */
  readonly detail: string;
}

/** Proves a claim by a check. A failure of the lab's own tools leaves the claim unproven and is not thrown. */
export async function prove(name: string, check: () => Promise<Omit<Proof, 'name'>>): Promise<Proof> {
  try {
    return { name, ...(await check()) };
  } catch (error) {
    if (!isRecoveryError(error)) throw error;
    return { name, ok: false, detail: describeError(error) };
  }
}
