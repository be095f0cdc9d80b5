import type { Clock } from '@kube-rescue/host';
import { CallFailure } from './call-failure.ts';
import { EtcdError } from '../errors.ts';

export interface ClusterCallOptions {
  /** The call may change data. */
  readonly isWrite: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Longer than an election takes at etcd's default settings. */
const LEADER_WAIT_MS = 3000;
const LEADER_PAUSE_MS = 200;

/**
 * Sends a call to the first member that can handle it.
 *
 * A read falls back to the next member on any failure. A write falls back only when certainly nothing
 * was changed. Without a leader, waits for an election.
 */
export class ClusterCalls {
  readonly #endpoints: readonly string[];
  readonly #clock: Clock;
  /** Index of the member that responded last. */
  #preferred = 0;

  constructor(endpoints: readonly string[], clock: Clock) {
    this.#endpoints = endpoints;
    this.#clock = clock;
  }

  async call<T>(options: ClusterCallOptions, ask: (endpoint: string) => Promise<T>): Promise<T> {
    const until = this.#clock.now().getTime() + LEADER_WAIT_MS;
    for (;;) {
      try {
        return await this.#callOnce(options, ask);
      } catch (error) {
        if (!isLeaderless(error) || this.#clock.now().getTime() >= until) throw error;
      }
      await this.#clock.sleep(LEADER_PAUSE_MS, options.signal);
    }
  }

  async #callOnce<T>({ isWrite, signal }: ClusterCallOptions, ask: (endpoint: string) => Promise<T>): Promise<T> {
    const failures: unknown[] = [];
    const first = this.#preferred;
    for (let step = 0; step < this.#endpoints.length; step += 1) {
      const index = (first + step) % this.#endpoints.length;
      try {
        const answer = await ask(this.#endpoints[index] ?? '');
        this.#preferred = index;
        return answer;
      } catch (error) {
        if (!(error instanceof EtcdError) || signal?.aborted === true) throw error;
        if (isFinal(error) || (isWrite && error.code === 'ETCD_OUTCOME_UNKNOWN')) throw error;
        failures.push(error);
      }
    }
    throw mostInformative(failures);
  }
}

/** Every member would respond the same. */
function isFinal({ code }: EtcdError): boolean {
  return code === 'ETCD_COMPACTED' || code === 'ETCD_NO_SPACE' || code === 'ETCD_TOO_LARGE' || code === 'ETCD_REFUSED';
}

/** etcd refused the call for lack of a leader; nothing was changed. */
function isLeaderless(error: unknown): boolean {
  return (
    error instanceof EtcdError &&
    error.code === 'ETCD_NO_QUORUM' &&
    error.cause instanceof CallFailure &&
    /no leader/.test(error.cause.message)
  );
}

/** The error of a responding member is more informative than an unreachable member. */
function mostInformative(failures: readonly unknown[]): unknown {
  const isAnswer = (error: unknown): boolean =>
    error instanceof EtcdError && error.code !== 'ETCD_UNREACHABLE' && error.code !== 'ETCD_TIMEOUT';
  return failures.find(isAnswer) ?? failures[0];
}
