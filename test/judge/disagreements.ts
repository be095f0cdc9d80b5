/** Why we refuse what Go accepts: on purpose, for a part of the corpus. There is no entry for the other direction. */
export interface Disagreement {
  /** Matches the whole id of an item. */
  readonly items: RegExp;
  readonly reason: string;
}

export const DISAGREEMENTS: readonly Disagreement[] = [];
