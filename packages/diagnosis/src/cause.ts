/** A cause of an outage, and its consequence. */
export interface Cause {
  /** 1 is first: everything else depends on it. */
  readonly rank: number;
  readonly code: string;
  readonly summary: string;
  readonly evidence: readonly string[];
  readonly hint: string | undefined;
  /** The certificates that it is about, by ID, in the order of their consequences. Absent: it is not about certificates. */
  readonly certificates?: readonly string[] | undefined;
  /** `recover`: `kube-rescue recover` fixes it, and nothing has to be done before. */
  readonly fixedBy?: 'recover' | undefined;
  /** It follows from the causes above, and goes with them. */
  readonly isConsequence?: boolean | undefined;
}

/** What the operator does next. */
export interface NextStep {
  /** A command of kube-rescue, without the name of the program: `plan`. `null`: the step is no such command. */
  readonly command: string | null;
  /** What the command does; without one, what to do. */
  readonly text: string;
}

/** A cause before it is ranked, or a notice: something to know that keeps no component from its work. */
export type Finding = Omit<Cause, 'rank'>;
