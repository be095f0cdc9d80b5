import { type ObjectAccess, ObjectError } from '@kube-rescue/cluster-objects';
import type { Node } from '@kube-rescue/node';

/**
 * The objects of an API server that answers: a plan asks a silent one only once, and a connection to its objects would ask again.
 * Opening throws ObjectError `OBJECT_STORE_UNREACHABLE` where the API server of this node does not answer.
 */
export function whenAnswering(objects: ObjectAccess, { api }: Pick<Node, 'api'>): ObjectAccess {
  return {
    ...objects,
    open: async (signal) => {
      const reading = await api.read('/readyz', signal);
      if (reading.state === 'answered') return objects.open(signal);
      throw new ObjectError({
        code: 'OBJECT_STORE_UNREACHABLE',
        message: `the API server does not answer: ${reading.reason}`,
        subject: 'API server',
        hint: "see the log of the API server's container",
      });
    },
  };
}
