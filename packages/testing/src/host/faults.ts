import { type Host, HostError, type HostErrorCode, temporaryPathOf } from '@kube-rescue/host';
import { wholeOf } from './memory-files.ts';
import { type Mutation, watchMutations } from './mutations.ts';

/**
 * What happens at the chosen mutation.
 * `fail-once`: it fails with `error` and changes nothing; later ones work. `fail-late`: it is made and fails all the same, as
 * when the last fsync of a write fails or an answer is lost. `fail-from`: it and all later ones fail, as on a full disk.
 * `dead-after`: the process is as good as killed just before it. `torn`: killed in the middle of it, with what that leaves
 * behind on the disk. `staged`: killed when all is written but the rename; what needs none is done.
 */
export type FaultMode = 'fail-once' | 'fail-late' | 'fail-from' | 'dead-after' | 'torn' | 'staged';

export interface FaultOptions {
  /** Which mutation, counted from 1. Default: none; mutations are only counted. */
  readonly failAt?: number | undefined;
  /** Default: `fail-once`. */
  readonly mode?: FaultMode | undefined;
  /** For the modes that fail. Default: `HOST_IO`. */
  readonly error?: Extract<HostErrorCode, 'HOST_IO' | 'HOST_NO_SPACE' | 'HOST_READ_ONLY' | 'HOST_PERMISSION_DENIED'>;
}

export interface FaultyHost extends Host {
  /** How many mutations were asked for so far; a fault-free run tells how many there are to loop over. */
  readonly mutationCount: number;
  /** Lets a change that is none of the host's own, to an object of the cluster say, go wrong in its turn. */
  guard(mutation: Mutation, perform: () => Promise<void>): Promise<void>;
}

/** Stands for the death of the process: no handler may recover from it, and it is no `RecoveryError`. */
export class SimulatedCrash extends Error {
  constructor(mutation: Mutation, count: number) {
    super(`the process was killed at mutation ${count}: ${mutation.operation} ${mutation.target}`);
    this.name = 'SimulatedCrash';
  }
}

/** `host`, but one of its mutations goes wrong. Reads always work; after a crash nothing can be changed any more. */
export function withFaults(
  host: Host,
  { failAt, mode = 'fail-once', error = 'HOST_IO' }: FaultOptions = {},
): FaultyHost {
  let count = 0;
  const isDeadly = mode === 'dead-after' || mode === 'torn' || mode === 'staged';
  const isMade = mode === 'torn' || mode === 'staged' || mode === 'fail-late';
  const isHit = (): boolean => {
    if (failAt === undefined) return false;
    return mode === 'fail-once' || mode === 'fail-late' ? count === failAt : count >= failAt;
  };
  const cut = (): Cut => (count === failAt && (mode === 'torn' || mode === 'staged') ? mode : 'whole');
  const guard: FaultyHost['guard'] = async (mutation, perform) => {
    count += 1;
    if (!isHit()) return perform();
    if (isMade && count === failAt) await perform();
    throw isDeadly ? new SimulatedCrash(mutation, count) : fault(error, mutation);
  };
  return {
    ...watchMutations(cutWrites(host, cut), guard),
    guard,
    get mutationCount() {
      return count;
    },
  };
}

/** How much of a write comes about. */
type Cut = 'whole' | 'torn' | 'staged';

/** `host`, but a write stops halfway or before its rename, as when its process is killed. */
function cutWrites(host: Host, cut: () => Cut): Host {
  const part = (data: Uint8Array): Uint8Array => (cut() === 'torn' ? firstHalf(data) : data);
  return {
    ...host,
    appendFile: (path, data, options) => host.appendFile(path, part(data), options),
    writeFile: async (path, data, options) => {
      if (cut() === 'whole') return host.writeFile(path, data, options);
      await host.writeFile(temporaryPathOf(path, options.watched), part(data), { mode: 0o600 });
    },
    writeFileFrom: async (path, data, options) => {
      if (cut() === 'whole') return host.writeFileFrom(path, data, options);
      await host.writeFile(temporaryPathOf(path, options.watched), part(await wholeOf(data)), { mode: 0o600 });
    },
    writeLink: async (path, target, options) => {
      await host.writeLink(cut() === 'whole' ? path : temporaryPathOf(path), target, options);
    },
  };
}

function firstHalf(data: Uint8Array): Uint8Array {
  return data.subarray(0, Math.floor(data.length / 2));
}

function fault(code: HostErrorCode, { operation, target }: Mutation): HostError {
  return new HostError({ code, message: `injected at ${operation}`, subject: target, hint: 'this is a test' });
}
