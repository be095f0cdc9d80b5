/** Something that reads what anybody may have written. */
export interface FuzzTarget {
  readonly name: string;
  /** Part of the path of the code whose reach is watched. */
  readonly directory: string;
  readonly corpus: () => Promise<readonly Buffer[]>;
  readonly run: (input: Buffer) => unknown;
}
