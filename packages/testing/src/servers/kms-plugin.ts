import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';

/** What a plugin does wrong. */
export type KmsFault =
  | 'hangs'
  | 'refuses'
  | 'is-unhealthy'
  | 'has-another-version'
  | 'encrypts-with-another-key'
  | 'decrypts-to-a-short-key'
  | 'forgets'
  | 'lacks-the-service'
  | 'answers-without-grpc'
  | 'answers-garbage';

/** A KMS v2 plugin of our own: a gRPC server on a Unix socket that encrypts with AES-GCM. */
export interface RunningKmsPlugin {
  readonly endpoint: string;
  /** The paths of the calls since the start. */
  readonly calls: readonly string[];
  /** From now on; `undefined` repairs it. */
  fail(fault: KmsFault | undefined): void;
  /** A new key encrypts; old ones still decrypt. */
  rotate(): void;
  /** Ends every connection and removes the socket; the keys are kept. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const PREFIX_BYTES = 5;
const ANNOTATION = 'local.kms.example.com';
const GRPC = { ':status': 200, 'content-type': 'application/grpc' } as const;

/** Starts a plugin on `socket`, whose directory exists. Messages: k8s.io/kms `apis/v2/api.proto`. */
export async function startKmsPlugin(socket: string): Promise<RunningKmsPlugin> {
  const keys = new Map<string, Buffer>([['key-1', randomBytes(32)]]);
  const calls: string[] = [];
  const sessions = new Set<ServerHttp2Session>();
  let fault: KmsFault | undefined;
  let server: Http2Server | undefined;
  const currentKey = (): string => `key-${keys.size}`;
  const sealed = (plain: Buffer, keyId: string): Buffer => {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', keys.get(keyId) ?? randomBytes(32), nonce);
    return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  };
  const opened = (bytes: Buffer, keyId: string): Buffer => {
    const secret = keys.get(keyId);
    if (secret === undefined) throw new Error(`unknown key ${keyId}`);
    const decipher = createDecipheriv('aes-256-gcm', secret, bytes.subarray(0, NONCE_BYTES));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  };
  const answer = (method: string, request: Fields): Buffer => {
    const keyId = currentKey();
    if (method === 'Status') {
      const version = fault === 'has-another-version' ? 'v1beta1' : 'v2';
      return message([1, version], [2, fault === 'is-unhealthy' ? 'no HSM' : 'ok'], [3, keyId]);
    }
    if (method === 'Encrypt') {
      const used = fault === 'encrypts-with-another-key' ? 'key-0' : keyId;
      const annotation = message([1, ANNOTATION], [2, 'yes']);
      return message([1, sealed(bytesAt(request, 1), keyId)], [2, used], [3, annotation]);
    }
    if (!bytesAt(request, 4).includes(ANNOTATION)) throw new Error('the annotation is missing');
    const plain = opened(bytesAt(request, 1), bytesAt(request, 3).toString());
    if (fault === 'decrypts-to-a-short-key') return message([1, plain.subarray(0, 8)]);
    return message([1, fault === 'forgets' ? randomBytes(32) : plain]);
  };
  const serve = async (stream: ServerHttp2Stream, path: string): Promise<void> => {
    calls.push(path);
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    if (fault === 'hangs') return;
    if (fault === 'answers-without-grpc') {
      stream.respond({ ':status': 404 }, { endStream: true });
      return;
    }
    const method = /^\/v2\.KeyManagementService\/(Status|Encrypt|Decrypt)$/.exec(path)?.[1];
    if (method === undefined || fault === 'lacks-the-service') {
      stream.respond({ ...GRPC, 'grpc-status': '12', 'grpc-message': 'unknown service' }, { endStream: true });
      return;
    }
    try {
      if (fault === 'refuses') throw new Error('AccessDeniedException');
      const body = answer(method, readMessage(Buffer.concat(chunks).subarray(PREFIX_BYTES)));
      stream.respond(GRPC, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(framed(fault === 'answers-garbage' ? Buffer.from([255, 255, 255]) : body));
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'unknown';
      stream.respond({ ...GRPC, 'grpc-status': '13', 'grpc-message': encodeURIComponent(reason) }, { endStream: true });
    }
  };
  const start = async (): Promise<void> => {
    server = createServer();
    server.on('session', (session) => {
      sessions.add(session);
      session.on('error', () => undefined).on('close', () => sessions.delete(session));
    });
    server.on('stream', (stream, headers) => {
      stream.on('error', () => undefined);
      serve(stream, String(headers[':path'])).catch(() => undefined);
    });
    server.listen(socket);
    await once(server, 'listening');
  };
  const stop = async (): Promise<void> => {
    const closed = server?.listening === true ? once(server, 'close') : undefined;
    server?.close();
    for (const session of sessions) session.destroy();
    await closed;
    await rm(socket, { force: true });
  };
  await start();
  return {
    endpoint: `unix://${socket}`,
    calls,
    fail: (next) => {
      fault = next;
    },
    rotate: () => {
      keys.set(`key-${keys.size + 1}`, randomBytes(32));
    },
    stop,
    start,
  };
}

type Fields = ReadonlyMap<number, Buffer>;

/** Protobuf, of which KMS messages only need fields with a length below 2^28. */
function message(...fields: readonly (readonly [number: number, value: string | Buffer])[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([number, value]) => {
      const bytes = Buffer.from(value);
      return [Buffer.from([(number << 3) | 2, ...varint(bytes.length)]), bytes];
    }),
  );
}

function readMessage(bytes: Buffer): Fields {
  const fields = new Map<number, Buffer>();
  for (let at = 0; at < bytes.length; ) {
    const number = (bytes[at] ?? 0) >> 3;
    at += 1;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at] ?? 0;
      at += 1;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    fields.set(number, bytes.subarray(at, at + length));
    at += length;
  }
  return fields;
}

function bytesAt(fields: Fields, number: number): Buffer {
  return fields.get(number) ?? Buffer.alloc(0);
}

function varint(value: number): readonly number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}

function framed(body: Buffer): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(body.length, 1);
  return Buffer.concat([prefix, body]);
}
