import { type Host, HostError, type HostErrorCode, temporaryPathOf } from '@kube-rescue/host';
import { wholeOf } from './memory-files.ts';
import { type Mutation, watchMutations } from './mutations.ts';

/**
 * What happens at the chosen mutation.
 * `fail-once`: it fails with `error` and changes nothing; later ones work. `fail-from`: it and all later ones fail so, as
 * on a full disk. `dead-after`: the process is as good as killed just before it. `torn`: killed in the middle of it, with
 * what that leaves behind on the disk.
 */
export type FaultMode = 'fail-once' | 'fail-from' | 'dead-after' | 'torn';

export interface FaultOptions {
  /** Which mutation, counted from 1. Default: none; mutations are only counted. */
  readonly failAt?: number | undefined;
  /** Default: `fail-once`. */
  readonly mode?: FaultMode | undefined;
  /** For `fail-once` and `fail-from`. Default: `HOST_IO`. */
  readonly error?: Extract<HostErrorCode, 'HOST_IO' | 'HOST_NO_SPACE' | 'HOST_READ_ONLY' | 'HOST_PERMISSION_DENIED'>;
}

export interface FaultyHost extends Host {
  /** How many mutations were asked for so far; a fault-free run tells how many there are to loop over. */
  readonly mutationCount: number;
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
  const isDeadly = mode === 'dead-after' || mode === 'torn';
  const isHit = (): boolean => {
    if (failAt === undefined) return false;
    return mode === 'fail-once' ? count === failAt : count >= failAt;
  };
  const tearing = mode === 'torn' ? (): boolean => count === failAt : (): boolean => false;

  const counted = watchMutations(tornWrites(host, tearing), async (mutation, perform) => {
    count += 1;
    if (!isHit()) return perform();
    if (tearing()) await perform();
    throw isDeadly ? new SimulatedCrash(mutation, count) : fault(error, mutation);
  });
  return {
    ...counted,
    get mutationCount() {
      return count;
    },
  };
}

/** `host`, but while `tearing` a write stops halfway, as when its process is killed. */
function tornWrites(host: Host, tearing: () => boolean): Host {
  return {
    ...host,
    appendFile: (path, data, options) => host.appendFile(path, tearing() ? firstHalf(data) : data, options),
    writeFile: async (path, data, options) => {
      if (!tearing()) return host.writeFile(path, data, options);
      await host.writeFile(temporaryPathOf(path, options.watched), firstHalf(data), { mode: 0o600 });
    },
    writeFileFrom: async (path, data, options) => {
      if (!tearing()) return host.writeFileFrom(path, data, options);
      await host.writeFile(temporaryPathOf(path, options.watched), firstHalf(await wholeOf(data)), { mode: 0o600 });
    },
    writeLink: async (path, target, options) => {
      if (tearing()) await host.writeLink(temporaryPathOf(path), target, options);
      else await host.writeLink(path, target, options);
    },
  };
}

function firstHalf(data: Uint8Array): Uint8Array {
  return data.subarray(0, Math.floor(data.length / 2));
}

function fault(code: HostErrorCode, { operation, target }: Mutation): HostError {
  return new HostError({ code, message: `injected at ${operation}`, subject: target, hint: 'this is a test' });
}
