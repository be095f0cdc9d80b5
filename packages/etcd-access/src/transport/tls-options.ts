import { createSecureContext, type SecureContext } from 'node:tls';
import { EtcdError } from '../errors.ts';
import { readCertificates } from '@kube-rescue/x509';

/** CA, client certificate and verification options. */
export interface EtcdTls {
  /** PEM; the only trusted CA certificates. An intermediate CA is enough. */
  readonly ca: string;
  /** PEM certificate (followed by intermediates) and key, for etcd with client authentication. */
  readonly client?: { readonly certificate: string; readonly key: string } | undefined;
  /** Name or address that the server's certificate must be for. Default: the endpoint's. */
  readonly serverName?: string | undefined;
  /**
   * Accept expired server certificates: signatures up to the CA, name and usage are still verified. Default: false.
   */
  readonly acceptExpiredServer?: boolean | undefined;
}

/** Loads the certificates and the key. @throws EtcdError `ETCD_CREDENTIALS_INVALID`, without any content of the files */
export function createClientContext({ ca, client }: EtcdTls): SecureContext {
  if (readCertificates(ca).length === 0) {
    throw invalid(
      'no certificate found',
      'the CA',
      'pass the file of the CA that signed the server certificate of etcd',
    );
  }
  try {
    return createSecureContext({
      ca,
      // As in Go: every certificate in the CA file is trusted, even without its issuer.
      allowPartialTrustChain: true,
      ...(client === undefined ? {} : { cert: client.certificate, key: client.key }),
    });
  } catch (cause) {
    const isMismatch = cause instanceof Error && /key values mismatch/i.test(cause.message);
    throw invalid(
      isMismatch ? 'the key does not match the certificate' : 'not a PEM certificate and its key',
      'the client certificate and key',
      'compare the public keys: openssl x509 -noout -pubkey -in CERT; openssl pkey -pubout -in KEY',
      cause,
    );
  }
}

function invalid(reason: string, subject: string, hint: string, cause?: unknown): EtcdError {
  const message = `invalid credentials for etcd: ${reason}`;
  return new EtcdError({ code: 'ETCD_CREDENTIALS_INVALID', message, subject, hint, cause });
}
