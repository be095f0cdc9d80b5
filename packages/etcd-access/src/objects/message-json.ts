import { create, type DescMessage, isFieldSet, type Message } from '@bufbuild/protobuf';
import { type Content, type FieldPlan, fieldPlans } from './field-plan.ts';
import { scalarToJson, zeroOf } from './scalar-json.ts';
import { wrappedValue } from './wrapped-value.ts';

export type JsonFields = Record<string, unknown>;

/** A decoded message, by the properties of its plan. */
export type Decoded = Message & Record<string, unknown>;

/** The JSON of a message as in the API, without unknown fields. */
export function messageToJson(message: Message, schema: DescMessage): JsonFields {
  const json: JsonFields = {};
  showFields(message, schema, json);
  return json;
}

/** The JSON of a field's content, an element or an entry. */
function contentToJson(value: unknown, content: Content): unknown {
  if (content.kind === 'scalar') return scalarToJson(value);
  const wrapped = wrappedValue(content.message);
  return wrapped === undefined ? messageToJson(value as Message, content.message) : wrapped.toJson(value as Message);
}

function showFields(message: Decoded, schema: DescMessage, json: JsonFields): void {
  for (const plan of fieldPlans(schema)) {
    const value = message[plan.property];
    switch (plan.shape) {
      case 'inline':
        if (plan.content.kind === 'message') {
          showFields((value ?? create(plan.content.message)) as Decoded, plan.content.message, json);
        }
        break;
      case 'list': {
        const items = value as readonly unknown[];
        if (items.length > 0) json[plan.name] = items.map((item) => contentToJson(item, plan.content));
        else if (plan.zero === 'always') json[plan.name] = null;
        break;
      }
      case 'map': {
        const entries = Object.entries(value as Record<string, unknown>);
        if (entries.length > 0) json[plan.name] = mapOf(entries, plan.content);
        break;
      }
      case 'single':
        showSingle(message, plan, value, json);
        break;
    }
  }
}

function showSingle(message: Decoded, plan: FieldPlan, value: unknown, json: JsonFields): void {
  const { content } = plan;
  const isSet = isFieldSet(message, plan.field);
  if (content.kind === 'message') {
    if (isSet) json[plan.name] = contentToJson(value, content);
    else if (plan.zero === 'always') json[plan.name] = contentToJson(create(content.message), content);
    return;
  }
  const shown = isSet ? scalarToJson(value) : zeroOf(content.scalar);
  const isZero = !isSet || shown === '' || shown === zeroOf(content.scalar);
  if (plan.zero === 'always' || !isZero || (plan.zero === 'set' && isSet)) json[plan.name] = shown;
}

/** Defines its keys rather than assigning them: `__proto__` is a legal key of a Secret. */
function mapOf(entries: readonly (readonly [string, unknown])[], content: Content): JsonFields {
  return Object.fromEntries(entries.map(([key, value]) => [key, contentToJson(value, content)]));
}
