import { createPublicKey, type KeyObject } from 'node:crypto';
import { alignRight, DerReader } from './der-reader.ts';
import { refuse } from './rules.ts';

/** A public key as Go parses it; `undefined` parameters for algorithms that Go does not know. */
export type GoPublicKey =
  | { readonly kind: 'rsa'; readonly modulus: bigint; readonly exponent: bigint }
  | { readonly kind: 'ecdsa'; readonly curve: GoCurve; readonly point: Uint8Array }
  | { readonly kind: 'ed25519'; readonly bytes: Uint8Array }
  | { readonly kind: 'other' };

export type GoCurve = 'P-224' | 'P-256' | 'P-384' | 'P-521';

const OID = {
  rsa: '2a864886f70d010101',
  ec: '2a8648ce3d0201',
  ed25519: '2b6570',
  x25519: '2b656e',
  dsa: '2a8648ce380401',
} as const;

/** Named curves of Go, by object identifier; the size of a coordinate in bytes. */
const CURVES: Readonly<Record<string, { readonly curve: GoCurve; readonly bytes: number }>> = {
  '2b81040021': { curve: 'P-224', bytes: 28 },
  '2a8648ce3d030107': { curve: 'P-256', bytes: 32 },
  '2b81040022': { curve: 'P-384', bytes: 48 },
  '2b81040023': { curve: 'P-521', bytes: 66 },
};

/** The curve of an object identifier in hexadecimal; `undefined` for a curve that Go does not have. */
export function findCurve(oid: string): GoCurve | undefined {
  return CURVES[oid]?.curve;
}

/** An AlgorithmIdentifier: its object identifier, and its parameters with tag and length. */
export function readAlgorithm(bytes: Uint8Array): { readonly oid: string; readonly parameters: Uint8Array } {
  const reader = new DerReader(bytes);
  const oid = reader.readOid();
  return { oid, parameters: reader.isEmpty ? new Uint8Array() : reader.readAny().bytes };
}

function readRsaKey(parameters: Uint8Array, data: Uint8Array): GoPublicKey {
  if (Buffer.compare(parameters, Uint8Array.of(0x05, 0x00)) !== 0) refuse('rsa-parameters');
  const sequence = new DerReader(data, 'rsa-key-malformed').enter(0x30);
  const modulus = sequence.readInteger();
  const exponent = sequence.readSmallInteger();
  if (modulus <= 0n || exponent <= 0n) refuse('rsa-key-malformed');
  return { kind: 'rsa', modulus, exponent };
}

/** Whether OpenSSL finds the point on the curve. */
function isOnCurve(spki: Uint8Array): boolean {
  try {
    createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
    return true;
  } catch {
    return false;
  }
}

function readEcKey(parameters: Uint8Array, data: Uint8Array, spki: Uint8Array): GoPublicKey {
  const known = CURVES[new DerReader(parameters, 'curve').readOid()];
  if (known === undefined) return refuse('curve');
  if (data[0] !== 4 || data.length !== 1 + 2 * known.bytes || !isOnCurve(spki)) refuse('ec-point');
  return { kind: 'ecdsa', curve: known.curve, point: data };
}

function readEdwardsKey(parameters: Uint8Array, data: Uint8Array): Uint8Array {
  if (parameters.length > 0 || data.length !== 32) refuse('ed25519-key');
  return data;
}

function readDsaKey(parameters: Uint8Array, data: Uint8Array): GoPublicKey {
  const numbers = [new DerReader(data, 'dsa-key').readInteger()];
  const sequence = new DerReader(parameters, 'dsa-key').enter(0x30);
  for (let count = 0; count < 3; count += 1) numbers.push(sequence.readInteger());
  if (numbers.some((number) => number <= 0n)) refuse('dsa-key');
  return { kind: 'other' };
}

/** Parses a SubjectPublicKeyInfo; refuses what Go refuses. `other` for a key that Go cannot use for TLS. */
export function readPublicKey(spki: Uint8Array): GoPublicKey {
  const sequence = new DerReader(spki).enter(0x30);
  const { oid, parameters } = readAlgorithm(sequence.read(0x30));
  const data = alignRight(sequence.readBitString());
  switch (oid) {
    case OID.rsa:
      return readRsaKey(parameters, data);
    case OID.ec:
      return readEcKey(parameters, data, spki);
    case OID.ed25519:
      return { kind: 'ed25519', bytes: readEdwardsKey(parameters, data) };
    case OID.x25519:
      readEdwardsKey(parameters, data);
      return { kind: 'other' };
    case OID.dsa:
      return readDsaKey(parameters, data);
    default:
      return { kind: 'other' };
  }
}

/** The number of bits of a modulus. */
export function bitLength(value: bigint): number {
  return value.toString(2).length;
}

/** Refuses an RSA key with which Go neither signs nor verifies. */
export function checkRsaKey({ modulus, exponent }: { readonly modulus: bigint; readonly exponent: bigint }): void {
  if (bitLength(modulus) < 1024) refuse('rsa-too-short');
  if (modulus % 2n === 0n || exponent < 2n || exponent % 2n === 0n || exponent > 2n ** 31n - 1n) refuse('rsa-exponent');
}

/** The key for `node:crypto`, from the bytes that Go takes. */
export function openPublicKey(spki: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
}
