import { keyIdentifierOf } from '../../../packages/x509/src/certificate/extensions.ts';
import { encodeDer } from '../../../packages/x509/src/encoding/der.ts';
import { type CertificateForm, extension, hex, sequence } from './certificate-form.ts';

const SUBJECT_KEY = '551d0e';
const AUTHORITY_KEY = '551d23';

function has({ extensions = [] }: CertificateForm, id: string): boolean {
  return extensions.some((each) => Buffer.from(each).includes(hex(`0603${id}`)));
}

function withExtension(form: CertificateForm, id: string, value: Uint8Array): CertificateForm {
  if (form.extensions === undefined || has(form, id)) return form;
  return { ...form, extensions: [...form.extensions, extension(id, value)] };
}

/** A CA with the subjectKeyIdentifier that Go's `x509.CreateCertificate`, and so kubeadm, adds to it. */
export function withSubjectKey(form: CertificateForm): CertificateForm {
  return withExtension(form, SUBJECT_KEY, encodeDer(0x04, keyIdentifierOf(form.publicKey)));
}

/** A certificate with the authorityKeyIdentifier that Go's `x509.CreateCertificate` adds when the issuer has an identifier. */
export function withAuthorityKey(form: CertificateForm, issuer: CertificateForm): CertificateForm {
  if (!has(issuer, SUBJECT_KEY)) return form;
  return withExtension(form, AUTHORITY_KEY, sequence(encodeDer(0x80, keyIdentifierOf(issuer.publicKey))));
}
