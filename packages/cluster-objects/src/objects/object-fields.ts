/** A JSON object of unknown shape. */
export type Fields = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object at a path of keys; empty when missing. */
export function fieldsAt(value: unknown, ...path: readonly string[]): Fields {
  const found = path.reduce<unknown>((each, key) => (isRecord(each) ? each[key] : undefined), value);
  return isRecord(found) ? found : {};
}

/** The objects in a list under a key. */
export function listAt(value: unknown, key: string): readonly Fields[] {
  const found = isRecord(value) ? value[key] : undefined;
  return Array.isArray(found) ? found.filter(isRecord) : [];
}

export function textAt(value: unknown, key: string): string | undefined {
  const found = isRecord(value) ? value[key] : undefined;
  return typeof found === 'string' ? found : undefined;
}

export function textsAt(value: unknown, key: string): readonly string[] {
  const found = isRecord(value) ? value[key] : undefined;
  return Array.isArray(found) ? found.filter((each) => typeof each === 'string') : [];
}
