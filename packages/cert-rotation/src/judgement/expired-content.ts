import { type Certificate, nameOf } from '@kube-rescue/x509';
import { detect } from '../objects/certificate-detection.ts';

/** An expired certificate in a file. */
export interface ExpiredCertificate {
  /** Distinguished name in one line, for example `CN=kube-apiserver`. */
  readonly subject: string;
  readonly notAfter: Date;
}

/** The certificates in a file's bytes (PEM, DER or a kubeconfig) that have expired at `now`. Content that cannot be parsed has none. */
export function listExpired(bytes: Uint8Array, now: Date): readonly ExpiredCertificate[] {
  return listCertificates(bytes)
    .filter(({ notAfter }) => notAfter < now)
    .map(({ x509, notAfter }) => ({ subject: nameOf(x509.subject), notAfter }));
}

function listCertificates(bytes: Uint8Array): readonly Certificate[] {
  // No message needs the location.
  const content = detect(bytes, '', new Map());
  if (content.is === 'certificates') return content.certificates;
  return content.is === 'kubeconfig' ? content.parts.flatMap(({ certificates }) => certificates) : [];
}
