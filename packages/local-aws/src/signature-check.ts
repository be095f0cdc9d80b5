import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** A request as received. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query, still encoded. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** The content of the `Authorization` header. */
export interface Authorization {
  readonly accessKeyId: string;
  /** `YYYYMMDD`. */
  readonly day: string;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]*)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;

/** Parses the `Authorization` header; `undefined` when it is missing or has another form. */
export function parseAuthorization(header: string | undefined): Authorization | undefined {
  const match = AUTHORIZATION.exec(header ?? '');
  if (match === null) return undefined;
  const [, accessKeyId = '', day = '', region = '', service = '', signedHeaders = '', signature = ''] = match;
  return { accessKeyId, day, region, service, signedHeaders: signedHeaders.split(';'), signature };
}

/**
 * Whether the request was signed with this secret: Signature Version 4, computed from the AWS documentation ("Create a signed
 * AWS API request") with Node's own crypto.
 */
export function isSignedBy(secretAccessKey: string, request: SignedRequest, authorization: Authorization): boolean {
  const { day, region, service, signature } = authorization;
  const canonical = sha256(canonicalRequest(request, authorization));
  const amzDate = headerOf(request, 'x-amz-date');
  const text = ['AWS4-HMAC-SHA256', amzDate, `${day}/${region}/${service}/aws4_request`, canonical].join('\n');
  const key = [day, region, service, 'aws4_request'].reduce<Buffer | string>(hmac, `AWS4${secretAccessKey}`);
  return timingSafeEqual(hmac(key, text), Buffer.from(signature, 'hex'));
}

function canonicalRequest(request: SignedRequest, { signedHeaders }: Authorization): string {
  const [path = '', query = ''] = request.url.split('?', 2);
  const pairs = query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const [name = '', value = ''] = pair.split('=', 2).map(decodeURIComponent);
      return [encode(name), encode(value)] as const;
    })
    .toSorted(([a, x], [b, y]) => compare(a, b) || compare(x, y));
  const headers = signedHeaders.map((name) => `${name}:${headerOf(request, name).trim().replace(/ +/g, ' ')}\n`);
  return [
    request.method,
    path.split('/').map(encode).join('/') || '/',
    pairs.map(([name, value]) => `${name}=${value}`).join('&'),
    headers.join(''),
    signedHeaders.join(';'),
    sha256(request.body),
  ].join('\n');
}

function headerOf({ headers }: SignedRequest, name: string): string {
  return [headers[name] ?? ''].flat().join(',');
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function sha256(data: Buffer | string): string {
  return createHash('sha256').update(data).digest('hex');
}
