/** A host name that is to lead somewhere. */
export interface WantedName {
  /** In lower case, without its last dot; may begin with `*.`. */
  readonly name: string;
  /** Addresses or names that it is to lead to; empty when nobody says, then any record will do. */
  readonly targets: readonly string[];
  /** Who wants it: `the caller`, `Ingress shop/web`. */
  readonly origin: string;
}
