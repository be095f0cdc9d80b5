import { isDeepStrictEqual } from 'node:util';
import { clearField, create, type DescMessage, type Message } from '@bufbuild/protobuf';
import { FieldMismatch } from './field-mismatch.ts';
import { type Content, type FieldPlan, fieldNames, fieldPlans } from './field-plan.ts';
import { alignLists } from './list-alignment.ts';
import type { Decoded, JsonFields } from './message-json.ts';
import { scalarFromJson } from './scalar-json.ts';
import { unknownFields } from './unknown-fields.ts';
import { wrappedValue } from './wrapped-value.ts';

/** Unknown fields removed together with their element or object. */
export interface Dropped {
  /** In the form of {@link unknownFields}. */
  readonly unknown: string[];
}

/**
 * Edits a message in position from `before` to `after`: equal fields and unknown fields are not touched.
 * @param at path of the message, for messages
 * @throws FieldMismatch
 */
export function editMessage(
  message: Message,
  schema: DescMessage,
  before: JsonFields,
  after: JsonFields,
  dropped: Dropped,
  at = '',
): void {
  const known = new Set(fieldNames(schema));
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (known.has(name) || isDeepStrictEqual(before[name], after[name])) continue;
    throw new FieldMismatch(pathOf(at, name), 'cannot be edited', 'OBJECT_FIELD_UNSUPPORTED');
  }
  editFields(message, schema, before, after, dropped, at);
}

function editFields(
  message: Decoded,
  schema: DescMessage,
  before: JsonFields,
  after: JsonFields,
  dropped: Dropped,
  at: string,
): void {
  for (const plan of fieldPlans(schema)) {
    if (plan.shape === 'inline' && plan.content.kind === 'message') {
      const { message: inner } = plan.content;
      if (fieldNames(inner).every((name) => isDeepStrictEqual(before[name], after[name]))) continue;
      message[plan.property] ??= create(inner);
      editFields(message[plan.property] as Decoded, inner, before, after, dropped, at);
    } else if (!isDeepStrictEqual(before[plan.name], after[plan.name])) {
      editField(message, plan, before[plan.name], after[plan.name], dropped, pathOf(at, plan.name));
    }
  }
}

function editField(
  message: Decoded,
  plan: FieldPlan,
  before: unknown,
  after: unknown,
  dropped: Dropped,
  at: string,
): void {
  const { content, property } = plan;
  const old = message[property];
  if (after === undefined || after === null) {
    const held = plan.shape === 'single' ? [old] : Object.values(old ?? {});
    for (const each of held) drop(each, content, dropped);
    clearField(message, plan.field);
    return;
  }
  switch (plan.shape) {
    case 'list':
      message[property] = editList(old as unknown[], content, listAt(before ?? [], at), listAt(after, at), dropped, at);
      break;
    case 'map':
      editMap(old as Record<string, unknown>, content, fieldsAt(before ?? {}, at), fieldsAt(after, at), dropped, at);
      break;
    case 'single':
    case 'inline':
      message[property] = editContent(old, content, before, after, dropped, at);
      break;
  }
}

function editList(
  old: readonly unknown[],
  content: Content,
  before: readonly unknown[],
  after: readonly unknown[],
  dropped: Dropped,
  at: string,
): unknown[] {
  if (content.kind === 'scalar') {
    return after.map((each, position) => scalarFromJson(content.scalar, each, `${at}[${position}]`));
  }
  const origins = alignLists(before, after);
  const kept = new Set(origins);
  for (const [index, each] of old.entries()) if (!kept.has(index)) drop(each, content, dropped);
  return after.map((each, position) => {
    const origin = origins[position];
    const [was, said] = origin === undefined ? [undefined, undefined] : [old[origin], before[origin]];
    return editContent(was, content, said, each, dropped, `${at}[${position}]`);
  });
}

function editMap(
  map: Record<string, unknown>,
  content: Content,
  before: JsonFields,
  after: JsonFields,
  dropped: Dropped,
  at: string,
): void {
  for (const key of Object.keys(before)) {
    if (Object.hasOwn(after, key) && after[key] !== undefined) continue;
    drop(map[key], content, dropped);
    delete map[key];
  }
  const said = new Map(Object.entries(before));
  const held = new Map(Object.entries(map));
  for (const [key, value] of Object.entries(after)) {
    if (value === undefined || isDeepStrictEqual(said.get(key), value)) continue;
    const edited = editContent(held.get(key), content, said.get(key), value, dropped, `${at}[${JSON.stringify(key)}]`);
    // Defined, not assigned: `__proto__` is a legal key of a Secret.
    Object.defineProperty(map, key, { value: edited, configurable: true, enumerable: true, writable: true });
  }
}

function editContent(
  old: unknown,
  content: Content,
  before: unknown,
  after: unknown,
  dropped: Dropped,
  at: string,
): unknown {
  if (content.kind === 'scalar') return scalarFromJson(content.scalar, after, at);
  const message = (old ?? create(content.message)) as Message;
  if (old !== undefined && isDeepStrictEqual(before, after)) return message;
  const wrapped = wrappedValue(content.message);
  if (wrapped !== undefined) {
    if (after !== null) wrapped.write(message, after, at);
    return message;
  }
  editMessage(message, content.message, fieldsAt(before ?? {}, at), fieldsAt(after, at), dropped, at);
  return message;
}

function drop(value: unknown, content: Content, dropped: Dropped): void {
  if (content.kind === 'message' && value !== undefined) {
    dropped.unknown.push(...unknownFields(value as Message, content.message));
  }
}

function fieldsAt(json: unknown, at: string): JsonFields {
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as JsonFields;
  throw new FieldMismatch(at, 'is not an object');
}

function listAt(json: unknown, at: string): readonly unknown[] {
  if (Array.isArray(json)) return json;
  throw new FieldMismatch(at, 'is not a list');
}

function pathOf(at: string, name: string): string {
  return at === '' ? name : `${at}.${name}`;
}
