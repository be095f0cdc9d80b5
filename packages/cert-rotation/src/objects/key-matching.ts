import { isRecoveryError } from '@kube-rescue/errors';
import { type Certificate, containsPrivateKey, isKeyOf, parsePrivateKey } from '@kube-rescue/x509';
import { type Problem, problemOf } from '../judgement/problem.ts';
import type { ObjectField } from './object-fields.ts';

const HINT = 'restore the matching certificate or key, or reissue the certificate';

/** The key field of a certificate field, by name: `tls.crt` and `tls.key`, `tls-cert` and `tls-key`. */
const NAMES: readonly (readonly [RegExp, readonly string[]])[] = [
  [/\.(?:crt|cert|cer)$/, ['.key']],
  [/\.pem$/, ['-key.pem', '.key']],
  [/cert\.pem$/, ['key.pem']],
  [/(?:cert|crt)$/, ['key']],
];

/**
 * The problems of the private key of a certificate: in the matching field by name, or in the same field. No problem
 * without such a key: the key may be elsewhere.
 *
 * @param owner names the object, for messages
 */
export function judgeKeyMatch(
  certificate: Certificate,
  field: ObjectField,
  siblings: ReadonlyMap<string, ObjectField>,
  owner: string,
): readonly Problem[] {
  const found = findKeyField(field, siblings);
  if (found === undefined) return [];
  const subject = `${owner} ${found.key}`;
  try {
    const { key } = parsePrivateKey(Buffer.from(found.bytes).toString('latin1'), subject);
    if (isKeyOf(key, certificate)) return [];
  } catch (error) {
    if (isRecoveryError(error)) return [problemOf(error, subject, 'new-key')];
    throw error;
  }
  const message = `the private key does not match the certificate in ${field.key}`;
  return [
    {
      code: 'PKI_KEY_MISMATCH',
      kind: 'invalid',
      severity: 'problem',
      message,
      subject,
      hint: HINT,
      fixedBy: 'new-key',
    },
  ];
}

/** The field with the private key of a certificate: by name, or the same field. */
export function findKeyField(field: ObjectField, siblings: ReadonlyMap<string, ObjectField>): ObjectField | undefined {
  return [field, ...keyNames(field.key).map((name) => siblings.get(name))].find(
    (candidate) => candidate !== undefined && holdsPrivateKey(candidate),
  );
}

function keyNames(name: string): readonly string[] {
  return NAMES.flatMap(([pattern, endings]) =>
    pattern.test(name) ? endings.map((ending) => name.replace(pattern, ending)) : [],
  );
}

function holdsPrivateKey({ bytes }: ObjectField): boolean {
  return containsPrivateKey(Buffer.from(bytes).toString('latin1'));
}
