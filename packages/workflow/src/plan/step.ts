import type { Change, Edit } from './change.ts';

/** A path of lower-case words, for example `pki/renew/apiserver`. */
export type StepId = string;

/**
 * Result of a check.
 * `ok`: nothing to do. `needed`: there are changes to make. `blocked`: the step cannot fix the problem, or waits for other
 * steps. `unknown`: the source could not be read; never treated as `ok`.
 */
export type FindingStatus = 'ok' | 'needed' | 'blocked' | 'unknown';

export interface Finding {
  readonly status: FindingStatus;
  /** One sentence in lower case without a period. */
  readonly summary: string;
  /** What the summary is about and the rest of it: steps with the same reason are shown as one. Default: shown by itself. */
  readonly about?: { readonly noun: string; readonly id: string; readonly reason: string } | undefined;
  /** Observed facts, a line each: which file, which date. Never key material. */
  readonly evidence: readonly string[];
  /** For `ok`: what the operator has to know nevertheless. */
  readonly warnings?: readonly string[] | undefined;
  /** For `needed`: what the step restarts or starts, in the words of the operator. Default: nothing. */
  readonly restarts?: readonly string[] | undefined;
  /** For `blocked` and `unknown`: the error code, for example `PKI_CA_EXPIRED`. */
  readonly code?: string | undefined;
  /** For `blocked` and `unknown`: which file, node or key. */
  readonly subject?: string | undefined;
  /** For `blocked` and `unknown`: what the operator does to unblock the step, in the imperative. */
  readonly hint?: string | undefined;
  /** For `blocked` and `unknown`: the steps that it waits for. Empty or absent: no step of this plan will unblock it. */
  readonly waitsFor?: readonly StepId[] | undefined;
}

/** Whether the effect of a step was observed through an independent path. */
export type Verdict =
  | {
      readonly verified: true;
      readonly evidence: readonly string[];
      /** What the operator has to know nevertheless. */
      readonly warnings?: readonly string[] | undefined;
    }
  | {
      readonly verified: false;
      readonly reason: string;
      readonly hint?: string | undefined;
      /** The other machines whose turn it is: what is applied is complete here, and works once they are done. Default: none. */
      readonly awaits?: string | undefined;
    };

/** Applies changes with undo records, which are on disk before the first byte is written. */
export interface StepJournal {
  /**
   * Applies the edits of one unit, in order. Writes every undo record first, fsynced.
   * @throws WorkflowError `PLAN_STALE` when a target has changed since the plan; nothing is written
   */
  perform(edits: readonly Edit[]): Promise<void>;
  /** Reports what the step waits for; shown with the elapsed time. */
  waitingFor(what: string): void;
}

/** The unit of work. Rollback is not step code: it replays the undo records. */
export interface Step<F extends Finding = Finding> {
  readonly id: StepId;
  /** An imperative phrase: `renew the API server serving certificate`. */
  readonly title: string;
  /** Steps that must have been applied or found `ok` before this one. */
  readonly requires: readonly StepId[];
  /**
   * `yes`: an unverified step makes the run roll back. `no`: its effect cannot be undone (a restart), so the run stops,
   * unverified.
   */
  readonly reversible: 'yes' | 'no';
  /**
   * Name of the unit to which every file of this step belongs, for files of several steps that only work together. A unit is rolled
   * back as a whole or not at all. Default: the files of each `perform` are a unit, and each object of the cluster is.
   */
  readonly unit?: string | undefined;
  /**
   * The step proves the effect of the steps that it requires: when one of them was applied in this run, it is verified even if
   * its check is `ok`, because a single check proves little right after a change. Default: false.
   */
  readonly isProof?: boolean | undefined;
  /**
   * The step only accompanies other work, as a backup does: without other work it is not needed, and a
   * resumed run does not repeat it. Default: false.
   */
  readonly isPrecaution?: boolean | undefined;
  /** Read-only; works with the API server down. */
  check(signal: AbortSignal): Promise<F>;
  /** Pure and deterministic; called for `needed` findings only. */
  plan(finding: F): readonly Change[];
  apply(changes: readonly Change[], journal: StepJournal, signal: AbortSignal): Promise<void>;
  /**
   * Observes the effect again, through an independent path. Also called for a resumed step, and for a proof that is `ok`.
   * @param waitingFor reports what the step waits for, as in a `StepJournal`
   */
  verify(signal: AbortSignal, waitingFor?: (what: string) => void): Promise<Verdict>;
}

/** A group of steps. They are created when the phase is reached, because a dead cluster cannot be planned completely at once. */
export interface Phase {
  readonly id: string;
  readonly title: string;
  /**
   * Whether its steps run side by side, each once the earlier ones of the phase that it requires are done. They must not write the
   * same targets. Default: one after the other, in their order.
   */
  readonly isSideBySide?: boolean | undefined;
  steps(signal: AbortSignal): Promise<readonly Step[]>;
}

/** Ordered phases for one kind of disaster. */
export interface Playbook {
  readonly id: string;
  readonly title: string;
  readonly phases: readonly Phase[];
}
