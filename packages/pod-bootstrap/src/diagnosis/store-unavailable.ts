import { isRecoveryError } from '@kube-rescue/errors';

/** The objects cannot be read for a moment: the API server restarts during a recovery. */
export interface StoreUnavailable {
  readonly unavailable: string;
}

const PASSING = ['OBJECT_STORE_UNREACHABLE', 'OBJECT_STORE_FAILED'] as const;

/** Runs one check; returns `StoreUnavailable` instead of failing while the API server does not answer. */
export async function checkOrWait<T extends object>(check: () => Promise<T>): Promise<T | StoreUnavailable> {
  try {
    return await check();
  } catch (error) {
    if (!isRecoveryError(error, ...PASSING)) throw error;
    return { unavailable: `the objects cannot be read at the moment: ${error.message}` };
  }
}
