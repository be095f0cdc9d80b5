import { ScalarType } from '@bufbuild/protobuf';
import { FieldMismatch } from './field-mismatch.ts';

/** The zero value of a scalar in JSON; missing bytes are null. */
export function zeroOf(scalar: ScalarType): unknown {
  switch (scalar) {
    case ScalarType.STRING:
      return '';
    case ScalarType.BOOL:
      return false;
    case ScalarType.BYTES:
      return null;
    default:
      return 0;
  }
}

/** A scalar as in the API: bytes in base64, 64-bit integers as numbers. */
export function scalarToJson(value: unknown): unknown {
  if (value instanceof Uint8Array)
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  return typeof value === 'bigint' ? Number(value) : value;
}

/** @throws FieldMismatch when the JSON is of another type or out of range */
export function scalarFromJson(scalar: ScalarType, json: unknown, at: string): unknown {
  switch (scalar) {
    case ScalarType.STRING:
      if (typeof json === 'string' && json.isWellFormed()) return json;
      throw new FieldMismatch(at, 'is not a string');
    case ScalarType.BOOL:
      if (typeof json === 'boolean') return json;
      throw new FieldMismatch(at, 'is not a boolean');
    case ScalarType.BYTES:
      return bytesFromJson(json, at);
    case ScalarType.INT64:
      if (typeof json === 'number' && Number.isSafeInteger(json)) return BigInt(json);
      throw new FieldMismatch(at, 'is not an integer');
    default:
      if (typeof json === 'number' && Number.isInteger(json) && Math.trunc(json) === (json | 0)) return json;
      throw new FieldMismatch(at, 'is not a 32-bit integer');
  }
}

function bytesFromJson(json: unknown, at: string): Uint8Array {
  if (typeof json !== 'string') throw new FieldMismatch(at, 'is not base64');
  const bytes = Buffer.from(json, 'base64');
  if (bytes.toString('base64') !== json) throw new FieldMismatch(at, 'is not base64');
  return new Uint8Array(bytes);
}
