import { isRecoveryError } from '@kube-rescue/errors';
import type { ObjectsVia } from '@kube-rescue/node';
import { type Session } from './wiring.ts';

/** The API server while it is ready, because it serves every kind; otherwise etcd, also when readiness is unknown. */
export async function chooseVia({ node, interruption }: Session): Promise<ObjectsVia> {
  const { chooseObjectsVia } = await import('@kube-rescue/node');
  try {
    return await chooseObjectsVia(node, interruption.signal);
  } catch (error) {
    interruption.signal.throwIfAborted();
    if (!isRecoveryError(error)) throw error;
    return 'etcd';
  }
}
