import { isRecoveryError } from '@kube-rescue/errors';

/** What is said while the objects cannot be read for a moment: the API server restarts in the middle of a recovery. */
export interface Silence {
  readonly silence: string;
}

const PASSING = ['OBJECT_STORE_UNREACHABLE', 'OBJECT_STORE_FAILED'] as const;

/** Looks once; an API server that does not answer just now is no failure of who waits. */
export async function checkOrWait<T extends object>(look: () => Promise<T>): Promise<T | Silence> {
  try {
    return await look();
  } catch (error) {
    if (!isRecoveryError(error, ...PASSING)) throw error;
    return { silence: `the objects cannot be read just now: ${error.message}` };
  }
}
