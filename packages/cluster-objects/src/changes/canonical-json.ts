import { type Fields, isRecord } from '../objects/object-fields.ts';

/** JSON in which equal values are equal texts, whatever the order of their fields. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, field: unknown) => (isRecord(field) ? sorted(field) : field));
}

/**
 * As {@link canonicalJson}, with what is empty left out: a store may keep an empty field or drop it, and means the same.
 */
export function canonicalContent(value: unknown): string {
  return canonicalJson(withoutEmpty(value));
}

function sorted(record: Fields): Fields {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).map(([key, field]) => [key, withoutEmpty(field)] as const);
  return Object.fromEntries(entries.filter(([, field]) => !isEmpty(field)));
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined) return true;
  return Array.isArray(value) ? value.length === 0 : isRecord(value) && Object.keys(value).length === 0;
}
