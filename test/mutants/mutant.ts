/** A planted bug: one replacement of a text that occurs once in its file. */
export interface Mutant {
  readonly name: string;
  /** For example `packages/workflow`. */
  readonly directory: string;
  /** Below `src` of the directory. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** The test files below `src` that must detect it. Default: every test of the directory. */
  readonly tests?: readonly string[] | undefined;
}
