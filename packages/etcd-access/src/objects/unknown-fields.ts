import type { DescMessage, Message } from '@bufbuild/protobuf';
import { fieldPlans } from './field-plan.ts';
import type { Decoded } from './message-json.ts';

/** Every unknown field of a message, at any depth: number, wire type and bytes, sorted. */
export function unknownFields(message: Message, schema: DescMessage): string[] {
  const found: string[] = [];
  collect(message, schema, found);
  return found.toSorted();
}

function collect(message: Message, schema: DescMessage, found: string[]): void {
  for (const { no, wireType, data } of message.$unknown ?? []) {
    found.push(`${schema.name}.${no}:${wireType}:${Buffer.from(data).toString('base64')}`);
  }
  for (const { content, shape, property } of fieldPlans(schema)) {
    const value = (message as Decoded)[property];
    if (content.kind !== 'message' || value === undefined) continue;
    const held = shape === 'list' || shape === 'map' ? Object.values(value as object) : [value];
    for (const each of held as readonly Message[]) collect(each, content.message, found);
  }
}
