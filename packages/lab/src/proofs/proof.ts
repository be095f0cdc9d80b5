import { describeError, isRecoveryError } from '@kube-rescue/errors';

/** One fact about a cluster, with what was seen of it. */
export interface Proof {
  /** A sentence that is to be true, for example `the API server does not answer`. */
  readonly name: string;
  readonly ok: boolean;
  /** What was seen, in the words of the program that saw it where it has some. */
  readonly detail: string;
}

/** Looks at a fact. A failure of the lab's own tools on the way makes it unproven, not an error. */
export async function prove(name: string, look: () => Promise<Omit<Proof, 'name'>>): Promise<Proof> {
  try {
    return { name, ...(await look()) };
  } catch (error) {
    if (!isRecoveryError(error)) throw error;
    return { name, ok: false, detail: describeError(error) };
  }
}
