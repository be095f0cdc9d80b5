/** First bytes of DER after the outer SEQUENCE, in hexadecimal, of what holds a private key. */
const PRIVATE_DER: readonly RegExp[] = [
  // RSAPrivateKey (RFC 8017 A.1.2) and DSA: version 0 or 1, then a number.
  /^02010[01]02/,
  // PrivateKeyInfo and OneAsymmetricKey (RFC 5958): version 0 or 1, then the algorithm.
  /^02010[01]30/,
  // ECPrivateKey (RFC 5915): version 1, then the key.
  /^02010104/,
  // EncryptedPrivateKeyInfo (RFC 5958): an algorithm of PKCS #5 or PKCS #12.
  /^30(?:[0-7].|81..|82....)06(?:09|0a)2a864886f70d01(?:05|0c)/,
  // PFX (RFC 7292): version 3.
  /^02010330/,
];
const MARKS = ['PRIVATE KEY-----', 'AGE-SECRET-KEY-', 'client-key-data', 'openssh-key-v1\0', 'PuTTY-User-Key-File'];

/** Whether bytes begin like a private key in DER; those of certificates, requests and public keys do not. */
export function isPrivateKey(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.subarray(0, 40)).toString('hex');
  const [, content] = /^30(?:[0-7].|81..|82....|83......)(.*)$/.exec(head) ?? [];
  return content !== undefined && PRIVATE_DER.some((pattern) => pattern.test(content));
}

/** Whether bytes hold a private key as DER, PEM, OpenSSH, PuTTY or age write it. */
export function holdsPrivateKey(bytes: Uint8Array): boolean {
  if (isPrivateKey(bytes)) return true;
  const text = Buffer.from(bytes).toString('latin1');
  return MARKS.some((mark) => text.includes(mark));
}
