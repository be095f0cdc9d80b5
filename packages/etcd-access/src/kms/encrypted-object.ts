import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type EncryptedObject, EncryptedObjectSchema } from '../generated/kms_pb.ts';

/** How a data encryption key (DEK) comes from its source: `AES_GCM_KEY`, `HKDF_SHA256_XNONCE_AES_GCM_SEED`. */
export const DEK_IS_THE_SOURCE = 0;
export const DEK_FROM_SEED = 1;
export type DekSourceType = typeof DEK_IS_THE_SOURCE | typeof DEK_FROM_SEED;

/** The encrypted source of a DEK, and what the plugin needs to decrypt it. */
export interface EncryptedDekSource {
  readonly type: DekSourceType;
  readonly ciphertext: Uint8Array;
  readonly keyId: string;
  readonly annotations: Readonly<Record<string, Uint8Array>>;
}

/** A stored value behind the prefix `k8s:enc:kms:v2:NAME:`. */
export interface KmsValue {
  readonly source: EncryptedDekSource;
  /** The object, encrypted with the DEK. */
  readonly data: Uint8Array;
}

const LONGEST_KEY_ID_BYTES = 1024;
const LONGEST_SOURCE_BYTES = 1024;
const LARGEST_ANNOTATIONS_BYTES = 32 * 1024;
const LONGEST_NAME = 253;
const QUALIFIED_NAME = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)+\.?$/;

/**
 * Reads a stored value without its prefix.
 *
 * Limits and field numbers: apiserver `pkg/storage/value/encrypt/envelope/kmsv2/envelope.go` and `v2/api.proto`.
 * @returns what is wrong with it, as text, for a value that an API server would refuse
 */
export function readKmsValue(bytes: Uint8Array): KmsValue | string {
  let message: EncryptedObject;
  try {
    message = fromBinary(EncryptedObjectSchema, bytes);
  } catch {
    return 'it is not an EncryptedObject';
  }
  const { encryptedData: data, encryptedDekSource: ciphertext, keyId, annotations } = message;
  const type = ([DEK_IS_THE_SOURCE, DEK_FROM_SEED] as const).find((each) => each === message.encryptedDekSourceType);
  if (type === undefined) return `unknown type ${message.encryptedDekSourceType} of the DEK source`;
  if (data.length === 0) return 'it has no data';
  const source = { type, ciphertext, keyId, annotations };
  return problemOf(source) ?? { source, data };
}

/** The stored value of encrypted data, without its prefix. */
export function writeKmsValue({ source, data }: KmsValue): Uint8Array {
  const { ciphertext: encryptedDekSource, keyId, annotations, type: encryptedDekSourceType } = source;
  const fields = { encryptedData: data, encryptedDekSource, keyId, annotations, encryptedDekSourceType };
  return toBinary(EncryptedObjectSchema, create(EncryptedObjectSchema, fields));
}

/** Why an API server would refuse values with this DEK source; `undefined` when it accepts them. */
export function problemOf({ ciphertext, keyId, annotations }: EncryptedDekSource): string | undefined {
  if (ciphertext.length === 0) return 'the DEK source is empty';
  if (ciphertext.length > LONGEST_SOURCE_BYTES) return `the DEK source has over ${LONGEST_SOURCE_BYTES} bytes`;
  if (keyId === '') return 'the key ID is empty';
  if (Buffer.byteLength(keyId) > LONGEST_KEY_ID_BYTES) return `the key ID has over ${LONGEST_KEY_ID_BYTES} bytes`;
  const entries = Object.entries(annotations);
  const bytes = entries.reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + value.length, 0);
  if (bytes > LARGEST_ANNOTATIONS_BYTES) return `the annotations have over ${LARGEST_ANNOTATIONS_BYTES} bytes`;
  const isNamed = entries.every(([name]) => name.length <= LONGEST_NAME && QUALIFIED_NAME.test(name));
  return isNamed ? undefined : 'the name of an annotation is not a fully qualified domain name';
}

/** Equal for values with the same DEK. */
export function identityOf({ type, ciphertext, keyId, annotations }: EncryptedDekSource): string {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  const named = Object.entries(annotations).map(([name, value]) => [name, hex(value)] as const);
  return JSON.stringify([type, hex(ciphertext), keyId, named.toSorted(([a], [b]) => (a < b ? -1 : 1))]);
}
