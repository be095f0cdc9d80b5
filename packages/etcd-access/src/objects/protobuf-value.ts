import { isDeepStrictEqual } from 'node:util';
import { create, type DescMessage, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import { apiVersionOf, type KubernetesObject, type ResourceKind } from '@kube-rescue/cluster-objects';
import { newEnvelope, openEnvelope, sealEnvelope } from './envelope.ts';
import { FieldMismatch } from './field-mismatch.ts';
import { type Dropped, editMessage } from './message-edit.ts';
import { messageToJson } from './message-json.ts';
import { schemaOf } from './schema.ts';
import type { StoredValue } from './stored-value-type.ts';
import { unknownFields } from './unknown-fields.ts';

/**
 * Reads an object that is kept in protobuf.
 * @throws Error that says why it cannot be read
 */
export function readProtobufValue(value: Uint8Array, kind: ResourceKind): StoredValue {
  const envelope = openEnvelope(value);
  const { apiVersion = '', kind: stored = '' } = envelope.typeMeta ?? {};
  if (stored !== kind.kind) throw new Error(`it is of kind ${stored || 'none'}`);
  const schema = schemaOf(kind, apiVersion);
  if (schema === undefined) throw new Error(`it is of version ${apiVersion || 'none'}, which is not known`);
  if (envelope.contentEncoding !== '') throw new Error('it is compressed');
  const { raw } = envelope;
  if (raw.length === 0) throw new Error('it is cut off');
  const message = fromBinary(schema, raw);
  // Worked out when it is asked for: most objects of a long listing are only looked at.
  const isWhole = (): boolean => toBinary(schema, message).length === raw.length;
  // The version on the envelope stays as it is; its fields are those of the version that the API is asked in.
  const object = {
    apiVersion: apiVersionOf(kind),
    kind: stored,
    ...messageToJson(message, schema),
  } as KubernetesObject;
  return {
    object,
    get partial() {
      return unknownFields(message, schema).length > 0 || !isWhole();
    },
    edit(edited) {
      if (!isWhole()) {
        throw new FieldMismatch('the object', 'is encoded in a way that is not understood', 'OBJECT_FIELD_UNSUPPORTED');
      }
      return sealEnvelope(envelope, editRaw(raw, schema, object, edited));
    },
  };
}

/** @throws FieldMismatch */
export function createProtobufValue(object: KubernetesObject, kind: ResourceKind): Uint8Array {
  const apiVersion = apiVersionOf(kind);
  const schema = schemaOf(kind, apiVersion);
  if (schema === undefined) throw new FieldMismatch('kind', 'cannot be created in etcd', 'OBJECT_FIELD_UNSUPPORTED');
  return newEnvelope(apiVersion, kind.kind, toBinary(schema, messageOf(object, schema)));
}

/** Edits a fresh copy in place, then reads the result back: nothing is written that does not say exactly what it should. */
function editRaw(raw: Uint8Array, schema: DescMessage, before: KubernetesObject, after: KubernetesObject): Uint8Array {
  const message = fromBinary(schema, raw);
  const unknownBefore = unknownFields(message, schema);
  const dropped: Dropped = { unknown: [] };
  editMessage(message, schema, fieldsOf(before), fieldsOf(after), dropped);
  const bytes = toBinary(schema, message);

  const proof = fromBinary(schema, bytes);
  const intended = messageToJson(messageOf(after, schema), schema);
  const unknownAfter = [...unknownFields(proof, schema), ...dropped.unknown].toSorted();
  if (!isDeepStrictEqual(messageToJson(proof, schema), intended) || !isDeepStrictEqual(unknownAfter, unknownBefore)) {
    throw new FieldMismatch('the edit', 'cannot be made without changing something else', 'OBJECT_FIELD_UNSUPPORTED');
  }
  return bytes;
}

function messageOf(object: KubernetesObject, schema: DescMessage): Message {
  const message = create(schema);
  editMessage(message, schema, {}, fieldsOf(object), { unknown: [] });
  return message;
}

/** The fields that the message holds; version and kind stand on the envelope. */
function fieldsOf({ apiVersion: _apiVersion, kind: _kind, ...fields }: KubernetesObject): Record<string, unknown> {
  return fields;
}
