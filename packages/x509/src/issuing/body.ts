import { DER_TAG, encodeDer } from '../encoding/der.ts';
import { randomSerialNumber } from './serial-number.ts';
import type { SignatureAlgorithm } from './signature.ts';

/** UTCTime to the end of 2049, GeneralizedTime from 2050 (RFC 5280 section 4.1.2.5). */
function encodeTime(date: Date): Uint8Array {
  const digits = date.toISOString().replace(/\.\d+/, '').replace(/[-:T]/g, '');
  if (date.getUTCFullYear() < 2050) return encodeDer(DER_TAG.utcTime, Buffer.from(digits.slice(2), 'latin1'));
  return encodeDer(DER_TAG.generalizedTime, Buffer.from(digits, 'latin1'));
}

/** A TBSCertificate without its serial number; names, key and extensions in DER. */
export interface CertificateBody {
  readonly algorithm: SignatureAlgorithm;
  readonly issuerDer: Uint8Array;
  readonly validity: { readonly notBefore: Date; readonly notAfter: Date };
  readonly subjectDer: Uint8Array;
  readonly publicKeyDer: Uint8Array;
  readonly subjectUniqueIdDer: Uint8Array | undefined;
  readonly extensions: readonly Uint8Array[];
}

/** A TBSCertificate of version 3 with a new serial number (RFC 5280 section 4.1). */
export function encodeCertificateBody(body: CertificateBody): Uint8Array {
  const { notBefore, notAfter } = body.validity;
  return encodeDer(
    DER_TAG.sequence,
    encodeDer(0xa0, encodeDer(DER_TAG.integer, Uint8Array.of(2))),
    encodeDer(DER_TAG.integer, randomSerialNumber()),
    body.algorithm.identifierDer,
    body.issuerDer,
    encodeDer(DER_TAG.sequence, encodeTime(notBefore), encodeTime(notAfter)),
    body.subjectDer,
    body.publicKeyDer,
    ...(body.subjectUniqueIdDer === undefined ? [] : [body.subjectUniqueIdDer]),
    encodeDer(0xa3, encodeDer(DER_TAG.sequence, ...body.extensions)),
  );
}
