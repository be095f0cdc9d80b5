import { type Host, HostError, type HostErrorCode, temporaryPathOf } from '@kube-rescue/host';
import { wholeOf } from './memory-files.ts';
import { type Mutation, watchMutations } from './mutations.ts';

/**
 * The fault at the chosen mutation. `fail-once`: it fails with `error` and changes nothing; later mutations work.
 * `fail-late`: it is made and fails nevertheless, as when the last fsync of a write fails or an answer is lost. `fail-from`:
 * it and all later mutations fail, as on a full disk. `killed-before`: the process is killed just before it. `torn`: the
 * process is killed in the middle of it, with half of the data on the disk. `staged`: the process is killed before the
 * rename; a mutation without a rename is complete.
 */
export type FaultMode = 'fail-once' | 'fail-late' | 'fail-from' | 'killed-before' | 'torn' | 'staged';

export interface FaultOptions {
  /** Which mutation, counted from 1. Default: none; mutations are only counted. */
  readonly failAt?: number | undefined;
  /** Default: `fail-once`. */
  readonly mode?: FaultMode | undefined;
  /** For the modes that fail. Default: `HOST_IO`. */
  readonly error?: Extract<HostErrorCode, 'HOST_IO' | 'HOST_NO_SPACE' | 'HOST_READ_ONLY' | 'HOST_PERMISSION_DENIED'>;
}

export interface FaultyHost extends Host {
  /** The number of mutations so far; of a run without faults, the number to loop over. */
  readonly mutationCount: number;
  /** Counts a change outside the host, such as to an object of the cluster, and applies the fault to it. */
  guard(mutation: Mutation, perform: () => Promise<void>): Promise<void>;
}

/** Simulates a killed process: no handler may recover from it, and it is not a `RecoveryError`. */
export class SimulatedCrash extends Error {
  constructor(mutation: Mutation, count: number) {
    super(`the process was killed at mutation ${count}: ${mutation.operation} ${mutation.target}`);
    this.name = 'SimulatedCrash';
  }
}

/** Wraps `host` with a fault at one mutation. Reads always work; after a crash every change is rejected. */
export function withFaults(
  host: Host,
  { failAt, mode = 'fail-once', error = 'HOST_IO' }: FaultOptions = {},
): FaultyHost {
  let count = 0;
  const isDeadly = mode === 'killed-before' || mode === 'torn' || mode === 'staged';
  const isMade = mode === 'torn' || mode === 'staged' || mode === 'fail-late';
  const isHit = (): boolean => {
    if (failAt === undefined) return false;
    return mode === 'fail-once' || mode === 'fail-late' ? count === failAt : count >= failAt;
  };
  const extent = (): WriteExtent => (count === failAt && (mode === 'torn' || mode === 'staged') ? mode : 'whole');
  const guard: FaultyHost['guard'] = async (mutation, perform) => {
    count += 1;
    if (!isHit()) return perform();
    if (isMade && count === failAt) await perform();
    throw isDeadly ? new SimulatedCrash(mutation, count) : fault(error, mutation);
  };
  return {
    ...watchMutations(truncateWrites(host, extent), guard),
    guard,
    get mutationCount() {
      return count;
    },
  };
}

/** How much of a write is completed. */
type WriteExtent = 'whole' | 'torn' | 'staged';

/** Wraps `host` so that a write stops halfway or before its rename, as in a killed process. */
function truncateWrites(host: Host, extent: () => WriteExtent): Host {
  const part = (data: Uint8Array): Uint8Array => (extent() === 'torn' ? firstHalf(data) : data);
  return {
    ...host,
    appendFile: (path, data, options) => host.appendFile(path, part(data), options),
    writeFile: async (path, data, options) => {
      if (extent() === 'whole') return host.writeFile(path, data, options);
      await host.writeFile(temporaryPathOf(path, options.watched), part(data), { mode: 0o600 });
    },
    writeFileFrom: async (path, data, options) => {
      if (extent() === 'whole') return host.writeFileFrom(path, data, options);
      await host.writeFile(temporaryPathOf(path, options.watched), part(await wholeOf(data)), { mode: 0o600 });
    },
    writeLink: async (path, target, options) => {
      await host.writeLink(extent() === 'whole' ? path : temporaryPathOf(path), target, options);
    },
  };
}

function firstHalf(data: Uint8Array): Uint8Array {
  return data.subarray(0, Math.floor(data.length / 2));
}

function fault(code: HostErrorCode, { operation, target }: Mutation): HostError {
  return new HostError({ code, message: `injected at ${operation}`, subject: target, hint: 'this is a test' });
}
