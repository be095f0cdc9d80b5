/** One item of the corpus; the fields of the Go programs. Byte fields are base64. */
export type CorpusItem = { readonly id: string } & (
  | { readonly kind: 'certificate'; readonly der: string }
  | { readonly kind: 'pair'; readonly certificate: string; readonly key: string }
  | { readonly kind: BundleKind | 'signing-key' | 'kubeconfig'; readonly text: string }
  | ChainItem
);

/** An item of one kind. */
export type ItemOf<Kind extends CorpusItem['kind']> = CorpusItem & { readonly kind: Kind };

export type BundleKind = 'client-go' | 'pool' | 'etcd';

export interface ChainItem {
  readonly kind: 'chain';
  readonly leaf: string;
  /** The leaf's private key, PEM, for programs that serve with it. */
  readonly key: string;
  readonly intermediates: readonly string[];
  readonly roots: readonly string[];
  readonly usage: 'server' | 'client';
  readonly host: string;
  readonly now: string;
}

/** Numbers that follow from a seed (mulberry32, public domain). */
export interface Dice {
  /** A whole number from 0 up to, not including, `limit`. */
  below(limit: number): number;
  pick<T>(list: readonly [T, ...T[]]): T;
}

export function createDice(seed: number): Dice {
  let state = seed >>> 0;
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
  return { below, pick: (list) => list[below(list.length)] ?? list[0] };
}

export const base64 = (bytes: Uint8Array | string): string =>
  Buffer.from(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes).toString('base64');

/** The bytes of a byte field. */
export const bytesOf = (text: string): Buffer => Buffer.from(text, 'base64');
