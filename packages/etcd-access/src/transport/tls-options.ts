import { createSecureContext, type SecureContext } from 'node:tls';
import { EtcdError } from '../errors.ts';
import { readCertificates } from '@kube-rescue/x509';

/** How etcd is to be believed, and how it is to believe us. */
export interface EtcdTls {
  /** PEM; the only certificates that vouch for a server. An intermediate one will do. */
  readonly ca: string;
  /** PEM certificate (intermediates behind it) and key, where etcd asks its clients for one. */
  readonly client?: { readonly certificate: string; readonly key: string } | undefined;
  /** Name or address that the server's certificate must be for. Default: the endpoint's. */
  readonly serverName?: string | undefined;
  /**
   * Believe a server whose certificates have expired, and only that: signatures up to the CA, name and usage are verified as
   * ever. Default: false.
   */
  readonly acceptExpiredServer?: boolean | undefined;
}

/** Loads the certificates and the key. @throws EtcdError `ETCD_CREDENTIALS_INVALID`; never tells what is in them */
export function createClientContext({ ca, client }: EtcdTls): SecureContext {
  if (readCertificates(ca).length === 0) {
    throw invalid('there is no certificate in it', 'the CA', 'give the file of the CA that signed the servers of etcd');
  }
  try {
    return createSecureContext({
      ca,
      // As Go does: whatever is in the CA file is believed, also when its own issuer is not there.
      allowPartialTrustChain: true,
      ...(client === undefined ? {} : { cert: client.certificate, key: client.key }),
    });
  } catch (cause) {
    const isMismatch = cause instanceof Error && /key values mismatch/i.test(cause.message);
    throw invalid(
      isMismatch ? 'the key is that of another certificate' : 'they are not a PEM certificate and its key',
      'the client certificate and key',
      'compare the public keys: openssl x509 -noout -pubkey -in CERT; openssl pkey -pubout -in KEY',
      cause,
    );
  }
}

function invalid(reason: string, subject: string, hint: string, cause?: unknown): EtcdError {
  const message = `cannot use the credentials for etcd: ${reason}`;
  return new EtcdError({ code: 'ETCD_CREDENTIALS_INVALID', message, subject, hint, cause });
}
