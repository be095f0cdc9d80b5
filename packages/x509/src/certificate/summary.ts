import { toRfc3339 } from '@kube-rescue/errors';
import type { Certificate } from './certificate.ts';
import { describeKey } from '../keys/private-key.ts';

export const MS_PER_DAY = 24 * 60 * 60 * 1000;

/**
 * One line of a distinguished name.
 * @param name Node returns `undefined` for an empty name, against its type
 */
export function nameOf(name: string | undefined): string {
  return name?.replaceAll('\n', ', ') ?? '';
}

/** Whole days from `now`; negative for a time in the past. */
export function daysUntil(time: Date, now: Date): number {
  return Math.floor((time.getTime() - now.getTime()) / MS_PER_DAY);
}

/** Fields of a certificate in every report; times in RFC 3339 and UTC, to the second. */
export function describeValidity({ x509, notBefore, notAfter }: Certificate, now: Date) {
  return {
    notBefore: toRfc3339(notBefore),
    notAfter: toRfc3339(notAfter),
    daysLeft: daysUntil(notAfter, now),
    keyAlgorithm: describeKey(x509.publicKey),
  };
}

/** The fields of a certificate that cannot be parsed. */
export const NO_VALIDITY = { notBefore: null, notAfter: null, daysLeft: null, keyAlgorithm: null } as const;
