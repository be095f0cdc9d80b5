import { type Host, isIpAddress } from '@kube-rescue/host';
import { type Certificate, parseCertificate } from '@kube-rescue/x509';
// oxlint-disable-next-line no-restricted-imports -- a layer over the Host's own connection; nothing is dialled here
import { connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import { PkiError } from '../errors.ts';

const TIMEOUT_MS = 5_000;

/** Address of a TLS server. */
export interface ServerAddress {
  /** Name or IP address, without brackets. */
  readonly host: string;
  readonly port: number;
}

const ADDRESS = /^(?:\[(?<literal>[0-9a-fA-F:.]+)\]|(?<name>[^/:\s]+)):(?<port>\d{1,5})$/;

/** `HOST:PORT`, an IPv6 address in brackets; `undefined` for anything else. */
export function parseServerAddress(text: string): ServerAddress | undefined {
  const { literal, name, port } = ADDRESS.exec(text)?.groups ?? {};
  const host = literal ?? name;
  const number = Number(port);
  return host === undefined || number < 1 || number > 65_535 ? undefined : { host, port: number };
}

/** The certificates in the order in which the server sent them. Node links each to its issuer, the last one to itself. */
function sentBy(socket: TLSSocket): readonly Uint8Array[] {
  const ders: Uint8Array[] = [];
  let current: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  while (current?.raw !== undefined && !ders.some((der) => Buffer.compare(der, current?.raw ?? der) === 0)) {
    ders.push(current.raw);
    current = current.issuerCertificate as DetailedPeerCertificate | undefined;
  }
  return ders;
}

/**
 * Fetches the certificates of a TLS server, from the machine of `host`; presents no client certificate and verifies nothing.
 *
 * @throws HostError `HOST_CONNECTION_FAILED` `HOST_UNSUPPORTED`; PkiError `PKI_SERVER_SILENT` when it does not speak TLS
 */
export async function readServerCertificates(
  address: ServerAddress,
  { host }: { readonly host: Pick<Host, 'connect'> },
  signal?: AbortSignal,
): Promise<readonly Certificate[]> {
  const subject = `${address.host}:${address.port}`;
  const raw = await host.connect({ ...address, timeoutMs: TIMEOUT_MS, signal });
  // For the whole handshake: a server that sends a byte now and then is never idle.
  const deadline = AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), ...(signal === undefined ? [] : [signal])]);
  try {
    const ders = await new Promise<readonly Uint8Array[]>((resolve, reject) => {
      const socket = connect({
        socket: raw,
        // The caller verifies the certificates.
        rejectUnauthorized: false,
        checkServerIdentity: () => undefined,
        ...(!isIpAddress(address.host) ? { servername: address.host } : {}),
      });
      const fail = (cause: unknown): void => reject(silent(subject, cause));
      socket.once('secureConnect', () => resolve(sentBy(socket)));
      socket.on('error', fail);
      socket.once('close', () => fail(undefined));
      deadline.addEventListener('abort', () =>
        signal?.aborted === true ? reject(signal.reason as Error) : fail(undefined),
      );
    });
    return ders.map((der) => parseCertificate(der, subject));
  } finally {
    raw.destroy();
  }
}

function silent(subject: string, cause: unknown): PkiError {
  return new PkiError({
    code: 'PKI_SERVER_SILENT',
    message:
      'the server accepts the connection but presents no certificate: it does not speak TLS, or requires a client certificate',
    subject,
    hint: 'check the port; `openssl s_client -connect` shows more',
    cause,
  });
}
