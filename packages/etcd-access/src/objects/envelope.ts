import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type Unknown, UnknownSchema } from '../generated/kubernetes/envelope_pb.ts';

/** `k8s` and a zero byte, before every object in protobuf. */
const MAGIC = Uint8Array.of(0x6b, 0x38, 0x73, 0x00);

/** Whether a value in etcd is a Kubernetes object in protobuf. */
export function isEnvelope(value: Uint8Array): boolean {
  return value.length >= MAGIC.length && MAGIC.every((byte, index) => value[index] === byte);
}

/** @throws Error when the bytes are truncated or not protobuf */
export function openEnvelope(value: Uint8Array): Unknown {
  return fromBinary(UnknownSchema, value.subarray(MAGIC.length));
}

/** The value with another encoded object; the rest of the envelope is unchanged. */
export function sealEnvelope(envelope: Unknown, raw: Uint8Array): Uint8Array {
  const sealed = openEnvelope(closed(envelope));
  sealed.raw = raw;
  return closed(sealed);
}

/** An envelope for a new object, as written by an API server. */
export function newEnvelope(apiVersion: string, kind: string, raw: Uint8Array): Uint8Array {
  return closed(create(UnknownSchema, { typeMeta: { apiVersion, kind }, raw, contentEncoding: '', contentType: '' }));
}

function closed(envelope: Unknown): Uint8Array {
  const body = toBinary(UnknownSchema, envelope);
  const value = new Uint8Array(MAGIC.length + body.length);
  value.set(MAGIC);
  value.set(body, MAGIC.length);
  return value;
}
