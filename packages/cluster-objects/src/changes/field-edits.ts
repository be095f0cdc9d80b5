import { isRecord } from '../objects/object-fields.ts';
import { canonicalContent, canonicalJson } from './canonical-json.ts';

/** One field that differs between two versions of an object. Lists are compared as a whole. */
export interface FieldEdit {
  readonly path: readonly string[];
  /** `undefined`: absent. */
  readonly from: unknown;
  readonly to: unknown;
}

type Fields = Readonly<Record<string, unknown>>;

/** The fields in which `to` differs from `from`. */
export function listEdits(from: unknown, to: unknown, path: readonly string[] = []): readonly FieldEdit[] {
  const [a, b] = [from ?? {}, to ?? {}];
  if (isRecord(a) && isRecord(b) && Object.keys({ ...a, ...b }).length > 0) {
    const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
    return keys.flatMap((key) => listEdits(ownValue(a, key), ownValue(b, key), [...path, key]));
  }
  return canonicalJson(from) === canonicalJson(to) ? [] : [{ path, from, to }];
}

/** Result of {@link revertEdits}. */
export type Reverted =
  | { readonly state: 'undone'; readonly content: Fields }
  | { readonly state: 'already' }
  /** These fields were changed since. */
  | { readonly state: 'foreign'; readonly paths: readonly string[] };

/**
 * Reverts edits in a later version of the object: the edited fields, and no others. All or nothing.
 * @param edits from the version before to the version that was written
 */
export function revertEdits(present: Fields, edits: readonly FieldEdit[]): Reverted {
  const now = edits.map((edit) => ({ ...edit, value: valueAt(present, edit.path) }));
  const open = now.filter(({ value, from }) => !isSame(value, from));
  if (open.length === 0) return { state: 'already' };
  const changed = open.filter(({ value, to }) => !isSame(value, to));
  if (changed.length > 0) return { state: 'foreign', paths: changed.map(({ path }) => path.join('.')) };
  return {
    state: 'undone',
    content: open.reduce((content, { path, from }) => withField(content, path, from), present),
  };
}

function isSame(a: unknown, b: unknown): boolean {
  return canonicalContent([a]) === canonicalContent([b]);
}

function valueAt(content: unknown, path: readonly string[]): unknown {
  return path.reduce((value, key) => (isRecord(value) ? ownValue(value, key) : undefined), content);
}

function withField(content: Fields, [key = '', ...rest]: readonly string[], value: unknown): Fields {
  const { [key]: present, ...others } = content;
  const next = rest.length === 0 ? value : withField(isRecord(present) ? present : {}, rest, value);
  return next === undefined ? others : { ...content, [key]: next };
}

function ownValue(record: Fields, key: string): unknown {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
