import type { Change, Edit } from './change.ts';

/** A path of lower-case words, for example `pki/renew/apiserver`. */
export type StepId = string;

/**
 * What a check saw.
 * `ok`: nothing to do. `needed`: there are changes to make. `blocked`: something is wrong that the step cannot mend, or it
 * waits for other steps. `unknown`: the source could not be read; never taken for `ok`.
 */
export type FindingStatus = 'ok' | 'needed' | 'blocked' | 'unknown';

export interface Finding {
  readonly status: FindingStatus;
  /** One sentence in lower case without a period. */
  readonly summary: string;
  /** What was seen, a line each: which file, which date. Never key material. */
  readonly evidence: readonly string[];
  /** For `blocked` and `unknown`: the error code, for example `PKI_CA_EXPIRED`. */
  readonly code?: string | undefined;
  /** For `blocked` and `unknown`: which file, node or key. */
  readonly subject?: string | undefined;
  /** For `blocked` and `unknown`: what would unblock it, in the imperative. */
  readonly hint?: string | undefined;
  /** For `blocked` and `unknown`: the steps whose effect it waits for. Empty or absent: nothing in this plan will help. */
  readonly waitsFor?: readonly StepId[] | undefined;
}

/** Whether the effect of a step was seen through another door than the one it wrote through. */
export type Verdict =
  | {
      readonly verified: true;
      readonly evidence: readonly string[];
      /** What a person has to know all the same. */
      readonly warnings?: readonly string[] | undefined;
    }
  | { readonly verified: false; readonly reason: string; readonly hint?: string | undefined };

/** Makes changes so that they can be taken back: the undo records are on disk before the first byte is written. */
export interface StepJournal {
  /**
   * Makes the edits of one unit, in order. Records every undo first, fsynced.
   * @throws WorkflowError `PLAN_STALE` when the state before one of them is no longer the planned one; nothing is written
   */
  perform(edits: readonly Edit[]): Promise<void>;
  /** Tells the person what is waited for; shown with the elapsed time. */
  waitingFor(what: string): void;
}

/** The unit of work. Rollback is not step code: it is the replay of the undo records. */
export interface Step<F extends Finding = Finding> {
  readonly id: StepId;
  /** An imperative phrase: `renew the API server's serving certificate`. */
  readonly title: string;
  /** Steps that must have been made or found `ok` before this one. */
  readonly requires: readonly StepId[];
  /**
   * `yes`: an unverified step makes the run roll back. `no`: its effect cannot be taken back (a restart), so the run stops
   * where it is, unverified.
   */
  readonly reversible: 'yes' | 'no';
  /**
   * It proves the effect of the steps that it requires: when one of them was made in this run, it is verified even if its
   * check finds it `ok`, because one look proves little right after a change. Default: false.
   */
  readonly isProof?: boolean | undefined;
  /**
   * It only goes along with other work, as a backup does: where nothing else is to be made it is not needed either, and a
   * resumed run does not make it twice. Default: false.
   */
  readonly isPrecaution?: boolean | undefined;
  /** Read-only; works with the API server down. */
  check(signal: AbortSignal): Promise<F>;
  /** Pure and deterministic; called for `needed` findings only. */
  plan(finding: F): readonly Change[];
  apply(changes: readonly Change[], journal: StepJournal, signal: AbortSignal): Promise<void>;
  /**
   * A fresh look through another door. Also called for a resumed step, and for a proof that was not made in this run.
   * @param waitingFor tells the person what is waited for, as in a `StepJournal`
   */
  verify(signal: AbortSignal, waitingFor?: (what: string) => void): Promise<Verdict>;
}

/** Steps that belong together. They are looked up when the phase is reached, because a dead cluster cannot be planned to the end at once. */
export interface Phase {
  readonly id: string;
  readonly title: string;
  steps(signal: AbortSignal): Promise<readonly Step[]>;
}

/** Ordered phases for one kind of disaster. */
export interface Playbook {
  readonly id: string;
  readonly title: string;
  readonly phases: readonly Phase[];
}
