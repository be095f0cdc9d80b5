import type { Certificate } from './certificate.ts';
import { describeKey } from '../keys/private-key.ts';

export const MS_PER_DAY = 24 * 60 * 60 * 1000;

/**
 * One line of a distinguished name.
 * @param name an empty one is `undefined` at run time, whatever the type of Node's says
 */
export function nameOf(name: string | undefined): string {
  return name?.replaceAll('\n', ', ') ?? '';
}

/** Whole days from `now`; negative when it is past. */
export function daysUntil(time: Date, now: Date): number {
  return Math.floor((time.getTime() - now.getTime()) / MS_PER_DAY);
}

/** What every report says of a certificate, in ISO 8601 and UTC. */
export function describeValidity({ x509, notBefore, notAfter }: Certificate, now: Date) {
  return {
    notBefore: notBefore.toISOString(),
    notAfter: notAfter.toISOString(),
    daysLeft: daysUntil(notAfter, now),
    keyAlgorithm: describeKey(x509.publicKey),
  };
}

/** The same for a certificate that cannot be read. */
export const NO_VALIDITY = { notBefore: null, notAfter: null, daysLeft: null, keyAlgorithm: null } as const;
