import { isUtf8 } from 'node:buffer';
import { ObjectError } from '@kube-rescue/cluster-objects';
import { isEnvelope } from './envelope.ts';

/** How the bytes of a stored object begin. `truncated`: too short to begin in any encoding. */
export type ValueEncoding = 'protobuf' | 'JSON' | 'CBOR' | 'YAML' | 'truncated' | 'unknown';

/** Tag 55799 of RFC 8949, "self-described CBOR" (apimachinery `pkg/runtime/serializer/cbor/cbor.go` selfDescribedCBOR). */
const CBOR_MARK = Uint8Array.of(0xd9, 0xd9, 0xf7);
const SHORTEST_MARK_BYTES = 4;
const HEAD_BYTES = 64;

/**
 * The encoding of decrypted bytes, by their first ones. Does not prove that the rest can be decoded.
 *
 * An API server stores protobuf and JSON, CBOR with its gate `CBORServingAndStorage`, and YAML with
 * `--storage-media-type=application/yaml` (apiserver `pkg/server/options/etcd.go` storageMediaTypes).
 */
export function identifyEncoding(value: Uint8Array): ValueEncoding {
  if (isEnvelope(value)) return 'protobuf';
  const head = Buffer.from(value.subarray(0, HEAD_BYTES)).toString('latin1');
  if (/^\s*\{/.test(head)) return 'JSON';
  if (CBOR_MARK.every((byte, at) => value[at] === byte)) return 'CBOR';
  if (/^(?:---\s+)?(?:apiVersion|kind|metadata):\s/.test(head)) return 'YAML';
  return value.length < SHORTEST_MARK_BYTES ? 'truncated' : 'unknown';
}

/** Whether decrypted bytes begin as an object does, so that the key of an unauthenticated cipher was the right one. */
export function isPlausible(value: Uint8Array): boolean {
  const encoding = identifyEncoding(value);
  if (encoding === 'JSON' || encoding === 'YAML') return isUtf8(value);
  return encoding === 'protobuf' || encoding === 'CBOR';
}

/** A value that may be intact, in an encoding that only an API server reads. */
export function encodingUnsupported(encoding: 'CBOR' | 'YAML' | 'unknown', subject: string): ObjectError {
  const is = encoding === 'unknown' ? 'neither protobuf nor JSON' : encoding;
  return new ObjectError({
    code: 'OBJECT_ENCODING_UNSUPPORTED',
    message: `the stored value is ${is}, which only the API server may be able to read`,
    subject,
    hint: 'read and change it through the API server (--via api)',
  });
}
