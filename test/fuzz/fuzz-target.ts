/** A parser of untrusted input. */
export interface FuzzTarget {
  readonly name: string;
  /** Part of the path of the code whose coverage is measured. */
  readonly directory: string;
  readonly corpus: () => Promise<readonly Buffer[]>;
  readonly run: (input: Buffer) => unknown;
}
