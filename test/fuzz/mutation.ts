/** Mutates inputs at random, reproducibly by seed. */
export interface Mutator {
  mutate(input: Buffer, others: readonly Buffer[]): Buffer;
  /** A whole number from 0 up to, not including, `limit`. */
  below(limit: number): number;
}

/** Tokens that confuse parsers. */
const TOKENS = [
  '\0',
  '\r\n',
  '\n\n',
  '"',
  "'",
  '\\',
  '{',
  '}',
  '[',
  ']',
  ': ',
  '- ',
  '|',
  '&a *a',
  '---\n',
  '../',
  '%00',
]
  .concat(['-----BEGIN CERTIFICATE-----', '-----END CERTIFICATE-----', 'null', 'true', '1e999', '-1', '[2J'])
  .concat(['__proto__', 'constructor', '9'.repeat(40), 'A'.repeat(300), '{{', '${X}', '<<: *a', 'é', '￾'])
  .map((text) => Buffer.from(text));
/** Openings of one level of nesting in YAML, JSON, TOML and DER. */
const NESTING = ['a: ', '- ', '? ', '[', '{a: ', '{"a":', '[{"a":', '[a.', '&a [', '\x30\x80'].map((text) =>
  Buffer.from(text, 'latin1'),
);
const BRACKETS = [
  ['[', ']'],
  ['{"a":', '}'],
] as const;
/** A value of each JSON type; `undefined` stands for a nested value. */
const VALUES = ['null', '[]', '{}', '[null]', '{"a":1}', '1', '-1', '1e400', 'true', '""', '"x"', undefined, undefined];
/** Lists of distinct names in YAML, JSON and environment files. */
const NAMES = ['#: b\n', '- #\n', '"#":1,', '#=b\n', '-----BEGIN #-----\n', '[#]\n'].map(
  (form) => (count: number) => Array.from({ length: count }, (_, at) => form.replace('#', `n${at}`)).join(''),
);
const BYTES = [0x00, 0x01, 0x7f, 0x80, 0x81, 0x82, 0x84, 0x30, 0x31, 0xa0, 0xff];
const LARGEST = 256 * 1024;
const MOST_CHANGES = 4;
const MOST = 30_000;

/** @param seed a whole number; the generator is mulberry32 (public domain), good enough to choose bytes by */
export function createMutator(seed: number): Mutator {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  const pick = <T>(list: readonly T[]): T | undefined => list[below(list.length)];
  /** Large counts are rare, because large inputs take long. */
  const many = (): number => Math.ceil(MOST / (1 + below(100)));
  const deep = (levels: number): string => {
    const [open = '', close = ''] = pick(BRACKETS) ?? [];
    return `${open.repeat(levels)}1${close.repeat(levels)}`;
  };
  const spliced = (input: Buffer, from: number, to: number, piece: Uint8Array): Buffer =>
    Buffer.concat([input.subarray(0, from), piece, input.subarray(to)]);

  const change = (input: Buffer, others: readonly Buffer[]): Buffer => {
    const at = below(input.length + 1);
    const end = Math.min(input.length, at + 1 + below(1 + below(64)));
    switch (below(12)) {
      case 0:
        return spliced(input, at, Math.min(at + 1, input.length), Buffer.from([below(256)]));
      case 1:
        return spliced(input, at, Math.min(at + 1, input.length), Buffer.from([pick(BYTES) ?? 0]));
      case 2:
        return spliced(input, at, end, Buffer.alloc(0));
      case 3:
        return spliced(input, at, at, input.subarray(at, end));
      case 4:
        return spliced(input, at, at, pick(TOKENS) ?? Buffer.alloc(0));
      case 5:
        return spliced(input, at, end, pick(TOKENS) ?? Buffer.alloc(0));
      case 6:
        return input.subarray(0, at);
      case 7: {
        const other = pick(others) ?? input;
        const from = below(other.length);
        return spliced(input, at, end, other.subarray(from, from + below(512)));
      }
      case 8:
        // A recursive parser runs out of stack.
        return spliced(input, at, at, Buffer.concat(Array(many()).fill(pick(NESTING) ?? Buffer.alloc(0))));
      case 9: {
        // Code that walks the parsed value may run out of stack, or expect another type.
        const from = input.indexOf(':', at) + 1;
        const length = input
          .subarray(from)
          .toString('latin1')
          .search(/[,}\]\n]/);
        const value = pick(VALUES) ?? deep(Math.ceil(many() / 3));
        return spliced(input, from, from + Math.max(length, 0), Buffer.from(value));
      }
      case 10:
        // Comparing each name with every other takes quadratic time.
        return spliced(input, at, at, Buffer.from(pick(NAMES)?.(many()) ?? ''));
      default:
        // Repetition: cheap once, expensive a thousand times.
        return spliced(input, at, at, Buffer.concat(Array.from({ length: below(200) }, () => input.subarray(at, end))));
    }
  };
  return {
    below,
    mutate: (input, others) => {
      let output = input;
      for (let count = 1 + below(MOST_CHANGES); count > 0; count -= 1) output = change(output, others);
      return output.subarray(0, LARGEST);
    },
  };
}
