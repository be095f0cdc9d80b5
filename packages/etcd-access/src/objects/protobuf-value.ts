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
 * Reads an object stored in protobuf.
 * @throws Error with the reason
 */
export function readProtobufValue(value: Uint8Array, kind: ResourceKind): StoredValue {
  const envelope = openEnvelope(value);
  const { apiVersion = '', kind: stored = '' } = envelope.typeMeta ?? {};
  if (stored !== kind.kind) throw new Error(`its kind is ${stored || 'missing'}`);
  const schema = schemaOf(kind, apiVersion);
  if (schema === undefined)
    throw new Error(apiVersion === '' ? 'its version is missing' : `unknown version ${apiVersion}`);
  if (envelope.contentEncoding !== '') throw new Error('compressed');
  const { raw } = envelope;
  if (raw.length === 0) throw new Error('truncated');
  const message = fromBinary(schema, raw);
  // Computed on demand: most objects of a long listing are only read.
  const isWhole = (): boolean => toBinary(schema, message).length === raw.length;
  // The envelope keeps its version; its fields are those of the API version in use.
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
        throw new FieldMismatch('the object', 'has an unknown encoding', 'OBJECT_FIELD_UNSUPPORTED');
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

/** Edits a copy, then decodes the result again: a result that differs from the intended object is refused. */
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
    throw new FieldMismatch('the edit', 'would change other fields too', 'OBJECT_FIELD_UNSUPPORTED');
  }
  return bytes;
}

function messageOf(object: KubernetesObject, schema: DescMessage): Message {
  const message = create(schema);
  editMessage(message, schema, {}, fieldsOf(object), { unknown: [] });
  return message;
}

/** The fields of the message; version and kind are in the envelope. */
function fieldsOf({ apiVersion: _apiVersion, kind: _kind, ...fields }: KubernetesObject): Record<string, unknown> {
  return fields;
}
