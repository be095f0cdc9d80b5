import { randomUUID } from 'node:crypto';
import type { ClientHttp2Session } from 'node:http2';
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { Host, HostPath } from '@kube-rescue/host';
import { KeyManagementService, type StatusResponse } from '../generated/kms_pb.ts';
import type { KmsProvider } from '../objects/encryption-configuration.ts';
import { CallFailure } from '../transport/call-failure.ts';
import { callUnary } from '../transport/grpc-call.ts';
import { startHttp2 } from '../transport/http2-session.ts';
import type { EncryptedDekSource } from './encrypted-object.ts';
import { kmsFailureOf } from './kms-failure.ts';

/** The calls of one KMS plugin: `KeyManagementService` of k8s.io/kms `apis/v2/api.proto`. */
export interface KmsCalls {
  status(): Promise<StatusResponse>;
  /** The plain DEK source. */
  decrypt(source: EncryptedDekSource): Promise<Uint8Array>;
  encrypt(plain: Uint8Array): Promise<Omit<EncryptedDekSource, 'type'>>;
  close(): void;
}

/** Of an answer: a DEK source, a key ID and the annotations. */
const LARGEST_ANSWER_BYTES = 256 * 1024;
/** The authority that the API server sends (apiserver `kmsv2/grpc_service.go`). */
const AUTHORITY = 'http://localhost';

/**
 * Calls a plugin on its socket, connected on the first call and again after it was lost. No call takes longer than the timeout of
 * the provider, and the same for the connection.
 *
 * Every call may throw ObjectError `OBJECT_KMS_UNREACHABLE` `OBJECT_KMS_FAILED` `OBJECT_ENCRYPTED_KMS`, HostError `SOURCE_UNTRUSTED`.
 */
export function createKmsCalls(
  provider: KmsProvider,
  socket: HostPath,
  { host }: { readonly host: Pick<Host, 'connectUnix'> },
): KmsCalls {
  const { timeoutMs } = provider;
  let session: Promise<ClientHttp2Session> | undefined;
  const connect = async (): Promise<ClientHttp2Session> => {
    const signal = AbortSignal.timeout(timeoutMs);
    return startHttp2(AUTHORITY, await host.connectUnix({ path: socket, timeoutMs, signal }), signal);
  };
  const connected = async (): Promise<ClientHttp2Session> => {
    const known = await session?.catch(() => undefined);
    if (known !== undefined && !known.closed && !known.destroyed) return known;
    session = connect();
    return session;
  };
  const call = async <I extends DescMessage, O extends DescMessage>(
    { parent, name, input, output }: DescMethodUnary<I, O>,
    fields: MessageInitShape<I>,
  ): Promise<MessageShape<O>> => {
    const message = toBinary(input, create(input, fields));
    const request = {
      path: `/${parent.typeName}/${name}`,
      message,
      needsLeader: false,
      timeoutMs,
      maxMessageBytes: LARGEST_ANSWER_BYTES,
    };
    try {
      return decoded(output, await callUnary(await connected(), request));
    } catch (error) {
      throw kmsFailureOf(error, provider, timeoutMs);
    } finally {
      // It may hold a DEK; the copy that was sent belongs to the connection.
      message.fill(0);
    }
  };
  const { method } = KeyManagementService;
  return {
    status: () => call(method.status, {}),
    decrypt: async ({ ciphertext, keyId, annotations }) => {
      const { plaintext } = await call(method.decrypt, { ciphertext, uid: randomUUID(), keyId, annotations });
      return plaintext;
    },
    encrypt: (plaintext) => call(method.encrypt, { plaintext, uid: randomUUID() }),
    close: () => {
      session?.then((each) => each.destroy()).catch(() => undefined);
      session = undefined;
    },
  };
}

function decoded<O extends DescMessage>(output: O, bytes: Uint8Array): MessageShape<O> {
  try {
    return fromBinary(output, bytes);
  } catch {
    // Without the cause: its message may be about the bytes.
    throw new CallFailure({ kind: 'foreign', message: 'its answer cannot be decoded', delivered: true });
  }
}
