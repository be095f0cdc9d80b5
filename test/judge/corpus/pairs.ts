import { createPrivateKey } from 'node:crypto';
import { encodeDer } from '../../../packages/x509/src/encoding/der.ts';
import { integer, oid, sequence, signForm } from './certificate-form.ts';
import { damage, leafForm } from './certificates.ts';
import { base64, type BundleKind, type CorpusItem, createDice, type Dice } from './items.ts';
import { GOOD_KEYS, type KeyPair, ODD_KEYS } from './keys.ts';

/** A PEM block with lines of 64 characters. */
export function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

const byteOrderMark = '\u00ef\u00bb\u00bf';
const utf16 = (text: string): string => Buffer.from(`\ufeff${text}`, 'utf16le').toString('latin1');

/** What editors, mails, YAML and Windows do to a PEM text. */
export const PEM_FORMS: readonly (readonly [string, (text: string) => string])[] = [
  ['plain', (text) => text],
  ['indented', (text) => text.replace(/^/gm, '    ')],
  ['indented-tabs', (text) => text.replace(/^/gm, '\t')],
  ['indented-body', (text) => text.replace(/^(?=[A-Za-z0-9+/=])/gm, '  ')],
  ['indented-end', (text) => text.replace('-----END', ' -----END')],
  ['trailing-blanks', (text) => text.replace(/$/gm, '  ')],
  ['trailing-tabs', (text) => text.replace(/$/gm, '\t')],
  ['crlf', (text) => text.replaceAll('\n', '\r\n')],
  ['cr', (text) => text.replaceAll('\n', '\r')],
  ['cr-body', (text) => text.replace(/(?<=[A-Za-z0-9+/])\n(?=[A-Za-z0-9+/])/g, '\r')],
  ['blank-lines', (text) => text.replaceAll('\n', '\n\n')],
  ['blank-line-first', (text) => text.replace('-----\n', '-----\n\n')],
  ['one-line-body', (text) => text.replace(/(?<=[A-Za-z0-9+/])\n(?=[A-Za-z0-9+/])/g, '')],
  ['no-line-break-at-end', (text) => text.trimEnd()],
  ['everything-in-one-line', (text) => text.replaceAll('\n', '')],
  ['end-after-body', (text) => text.replace('\n-----END', '-----END')],
  ['text-before', (text) => `Certificate:\n    Data:\n${text}`],
  ['text-before-in-line', (text) => `x ${text}`],
  ['text-after', (text) => `${text}done\n`],
  ['text-after-end', (text) => text.replace(/(-----END [A-Z ]+-----)/, '$1 x')],
  ['byte-order-mark', (text) => byteOrderMark + text],
  ['byte-order-mark-and-line', (text) => `${byteOrderMark}\n${text}`],
  ['utf-16', utf16],
  ['headers', (text) => text.replace('-----\n', '-----\nName: x\n\n')],
  ['headers-without-blank-line', (text) => text.replace('-----\n', '-----\nName: x\n')],
  [
    'encrypted-headers',
    (text) => text.replace('-----\n', '-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n'),
  ],
  ['colon-only', (text) => text.replace('-----\n', '-----\n:\n')],
  ['four-dashes', (text) => text.replace('-----BEGIN', '----BEGIN')],
  ['four-dashes-at-end', (text) => text.replace(/(-----END [A-Z ]+-----)/, (end) => end.slice(0, -1))],
  ['lower-case', (text) => text.replace('BEGIN', 'begin')],
  ['other-end-label', (text) => text.replace(/-----END [A-Z ]+-----/, '-----END X-----')],
  ['two-blanks-in-label', (text) => text.replace('BEGIN ', 'BEGIN  ')],
  ['begin-twice', (text) => `-----BEGIN X-----\n${text}`],
  ['begin-without-end-before', (text) => `-----BEGIN X-----\nAAAA\n${text}`],
  ['broken-block-before', (text) => `-----BEGIN X-----\nA*\n-----END X-----\n${text}`],
  ['empty-block-before', (text) => `-----BEGIN X-----\n-----END X-----\n${text}`],
  ['without-end', (text) => text.replace(/-----END [A-Z ]+-----\n/, '')],
  ['star', (text) => text.replace(/[A-Za-z](?=[A-Za-z]{3}\n)/, '*')],
  ['cut-group', (text) => text.replace(/[A-Za-z0-9+/](=*\n-----END)/, '$1')],
  ['no-padding', (text) => text.replace(/=+(?=\n-----END)/, '')],
  ['more-padding', (text) => text.replace(/\n-----END/, '=\n-----END')],
  ['base64-after-padding', (text) => text.replace(/\n-----END/, 'AAAA\n-----END')],
  [
    'url-alphabet',
    (text) =>
      text
        .replaceAll('+', '-')
        .replaceAll('/', '_')
        .replace(/^_+|_+$/g, ''),
  ],
  ['nul', (text) => text.replace('\n', '\n\0')],
  ['vertical-tab', (text) => text.replace(/$/m, '\v')],
  ['no-break-space', (text) => text.replace(/\n(?=[A-Za-z])/, '\n\u00c2\u00a0')],
  ['empty', () => ''],
  ['half', (text) => text.slice(0, Math.floor(text.length / 2))],
  ['trusted', (text) => text.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE')],
  ['x509', (text) => text.replaceAll('CERTIFICATE', 'X509 CERTIFICATE')],
  ['quoted', (text) => text.replace(/^/gm, '> ')],
  ['escaped-line-breaks', (text) => text.replaceAll('\n', '\\n')],
];

/** Lines of a text, some of them damaged, doubled, removed or indented. */
function shuffle(text: string, dice: Dice): string {
  const lines = text.split('\n');
  for (let count = 1 + dice.below(3); count > 0; count -= 1) {
    const at = dice.below(lines.length);
    const line = lines[at] ?? '';
    const cut = dice.below(line.length + 1);
    const piece = dice.pick([
      ' ',
      '\t',
      '\r',
      '=',
      '-',
      ':',
      'A',
      '\n',
      '-----BEGIN X-----\n',
      '\n-----END X-----\n',
      '\0',
      '*',
    ]);
    const change: () => readonly string[] = dice.pick<() => readonly string[]>([
      () => [`${line.slice(0, cut)}${piece}${line.slice(cut)}`],
      () => [line.slice(0, cut), line.slice(cut)],
      () => [line, line],
      () => [],
      () => [`${piece}${line}`],
      () => [`${line}${piece}`],
      () => [line.slice(0, cut)],
    ]);
    lines.splice(at, 1, ...change());
  }
  return lines.join('\n');
}

export const pkcs8 = ({ privateKey }: KeyPair): string =>
  pem('PRIVATE KEY', privateKey.export({ format: 'der', type: 'pkcs8' }));
export const [rsaCa, rsa] = GOOD_KEYS.rsa;
export const [ecCa, ec] = GOOD_KEYS.p256;
const [edCa, ed] = GOOD_KEYS.ed25519;
const pkcs1 = pem('RSA PRIVATE KEY', rsa.privateKey.export({ format: 'der', type: 'pkcs1' }));
const sec1Der = ec.privateKey.export({ format: 'der', type: 'sec1' });
const sec1 = pem('EC PRIVATE KEY', sec1Der);
export const certify = (key: KeyPair, signer: KeyPair): string =>
  pem('CERTIFICATE', signForm(leafForm(key, signer), signer));

/** Numbers of a PKCS#1 key, some replaced. */
function changeRsa(changes: Readonly<Record<number, bigint | undefined>>): Buffer {
  const jwk = rsa.privateKey.export({ format: 'jwk' });
  const number = (text: unknown): bigint => BigInt(`0x${Buffer.from(String(text), 'base64url').toString('hex')}`);
  const numbers = [0n, ...[jwk.n, jwk.e, jwk.d, jwk.p, jwk.q, jwk.dp, jwk.dq, jwk.qi].map(number)];
  const changed = numbers
    .map((value, at) => (at in changes ? changes[at] : value))
    .filter((value) => value !== undefined);
  const encode = (value: bigint): Uint8Array => {
    const digits = value.toString(16);
    const even = digits.padStart(digits.length + (digits.length % 2), '0');
    return integer(Number.parseInt(even.slice(0, 2), 16) >= 0x80 ? `00${even}` : even);
  };
  return Buffer.from(sequence(...changed.map(encode)));
}

const rsaNumber = (field: 'n' | 'd' | 'p' | 'q' | 'dp'): bigint =>
  BigInt(`0x${Buffer.from(String(rsa.privateKey.export({ format: 'jwk' })[field]), 'base64url').toString('hex')}`);
const P256_LABEL = oid('2a8648ce3d030107');
const sec1Of = (scalar: Buffer, ...rest: readonly Uint8Array[]): Uint8Array =>
  sequence(integer('01'), encodeDer(0x04, scalar), ...rest);
const scalar = Buffer.from(String(ec.privateKey.export({ format: 'jwk' }).d), 'base64url');
const named = encodeDer(0xa0, P256_LABEL);
const point = encodeDer(0xa1, encodeDer(0x03, Buffer.from([0]), GOOD_KEYS.p256[0].spki.subarray(-65)));
const seed = Buffer.from(String(ed.privateKey.export({ format: 'jwk' }).d), 'base64url');
const edKey = (content: Uint8Array, ...parameters: readonly Uint8Array[]): Uint8Array =>
  sequence(integer('00'), sequence(oid('2b6570'), ...parameters), encodeDer(0x04, content));

/** Encodings of the private key of a kind, good and broken. */
const KEY_FORMS: Readonly<Record<'rsa' | 'ec' | 'ed', readonly (readonly [string, string])[]>> = {
  rsa: [
    ['pkcs1', pkcs1],
    ['pkcs8', pkcs8(rsa)],
    ['pkcs1-labelled-pkcs8', pkcs1.replaceAll('RSA PRIVATE', 'PRIVATE')],
    ['pkcs8-labelled-pkcs1', pkcs8(rsa).replaceAll('PRIVATE', 'RSA PRIVATE')],
    ['labelled-any', pkcs1.replaceAll('RSA PRIVATE', 'ANY PRIVATE')],
    ['labelled-without-blank', pkcs1.replaceAll('RSA PRIVATE', 'RSAPRIVATE')],
    ['trailing', pem('RSA PRIVATE KEY', Buffer.concat([changeRsa({}), Buffer.of(0)]))],
    ['version-1', pem('RSA PRIVATE KEY', changeRsa({ 0: 1n }))],
    ['version-2', pem('RSA PRIVATE KEY', changeRsa({ 0: 2n }))],
    ['other-modulus', pem('RSA PRIVATE KEY', changeRsa({ 1: rsaNumber('n') + 2n }))],
    ['other-exponent', pem('RSA PRIVATE KEY', changeRsa({ 2: 3n }))],
    ['other-d', pem('RSA PRIVATE KEY', changeRsa({ 3: rsaNumber('d') + 2n }))],
    ['d-too-large', pem('RSA PRIVATE KEY', changeRsa({ 3: rsaNumber('d') + rsaNumber('n') }))],
    ['d-zero', pem('RSA PRIVATE KEY', changeRsa({ 3: 0n }))],
    ['primes-swapped', pem('RSA PRIVATE KEY', changeRsa({ 4: rsaNumber('q'), 5: rsaNumber('p') }))],
    ['other-dp', pem('RSA PRIVATE KEY', changeRsa({ 6: rsaNumber('dp') + 2n }))],
    ['other-coefficient', pem('RSA PRIVATE KEY', changeRsa({ 8: 5n }))],
    ['without-coefficient', pem('RSA PRIVATE KEY', changeRsa({ 8: undefined }))],
    ['without-crt', pem('RSA PRIVATE KEY', changeRsa({ 6: undefined, 7: undefined, 8: undefined }))],
  ],
  ec: [
    ['sec1', sec1],
    ['pkcs8', pkcs8(ec)],
    ['sec1-labelled-pkcs8', sec1.replaceAll('EC PRIVATE', 'PRIVATE')],
    ['pkcs8-labelled-sec1', pkcs8(ec).replaceAll('PRIVATE', 'EC PRIVATE')],
    ['parameters-before', pem('EC PARAMETERS', P256_LABEL) + sec1],
    ['trailing', pem('EC PRIVATE KEY', Buffer.concat([sec1Der, Buffer.of(0)]))],
    ['without-public-key', pem('EC PRIVATE KEY', sec1Of(scalar, named))],
    ['without-curve', pem('EC PRIVATE KEY', sec1Of(scalar))],
    ['foreign-public-key', pem('EC PRIVATE KEY', sec1Of(scalar, named, point))],
    ['padded-scalar', pem('EC PRIVATE KEY', sec1Of(Buffer.concat([Buffer.alloc(3), scalar]), named))],
    ['long-scalar', pem('EC PRIVATE KEY', sec1Of(Buffer.concat([Buffer.of(1), scalar]), named))],
    ['zero-scalar', pem('EC PRIVATE KEY', sec1Of(Buffer.alloc(32), named))],
    ['large-scalar', pem('EC PRIVATE KEY', sec1Of(Buffer.alloc(32, 0xff), named))],
    ['version-2', pem('EC PRIVATE KEY', sequence(integer('02'), encodeDer(0x04, scalar), named))],
    ['other-curve', pem('EC PRIVATE KEY', sec1Of(scalar, encodeDer(0xa0, oid('2b81040022'))))],
    ['unknown-curve', pem('EC PRIVATE KEY', sec1Of(scalar, encodeDer(0xa0, oid('2b8104000a'))))],
  ],
  ed: [
    ['pkcs8', pkcs8(ed)],
    ['with-null', pem('PRIVATE KEY', edKey(encodeDer(0x04, seed), Buffer.from('0500', 'hex')))],
    ['raw-seed', pem('PRIVATE KEY', edKey(seed))],
    ['short-seed', pem('PRIVATE KEY', edKey(encodeDer(0x04, seed.subarray(1))))],
    ['labelled-ed25519', pkcs8(ed).replaceAll('PRIVATE', 'ED25519 PRIVATE')],
    ['trailing', pem('PRIVATE KEY', Buffer.concat([edKey(encodeDer(0x04, seed)), Buffer.of(0)]))],
  ],
};

const encrypted = ec.privateKey
  .export({ format: 'pem', type: 'pkcs8', cipher: 'aes-128-cbc', passphrase: 'x' })
  .toString();
const traditional = rsa.privateKey
  .export({ format: 'pem', type: 'pkcs1', cipher: 'aes-128-cbc', passphrase: 'x' })
  .toString();

const pairItem = (id: string, certificate: string, key: string): CorpusItem => ({
  id: `pair/${id}`,
  kind: 'pair',
  certificate: base64(certificate),
  key: base64(key),
});

/** Certificates with their keys, as `tls.X509KeyPair` and a handshake take them. */
export function pairItems(randomSeed: number): readonly CorpusItem[] {
  const certificates = { rsa: certify(rsa, rsaCa), ec: certify(ec, ecCa), ed: certify(ed, edCa) };
  const items: CorpusItem[] = [];
  for (const kind of ['rsa', 'ec', 'ed'] as const) {
    const certificate = certificates[kind];
    const [[, key]] = KEY_FORMS[kind] as readonly [readonly [string, string]];
    for (const [name, form] of KEY_FORMS[kind]) items.push(pairItem(`${kind}/key-${name}`, certificate, form));
    for (const [name, change] of PEM_FORMS) {
      items.push(pairItem(`${kind}/certificate-${name}`, change(certificate), key));
      items.push(pairItem(`${kind}/key-${name}`, certificate, change(key)));
    }
    items.push(pairItem(`${kind}/combined`, certificate + key, certificate + key));
    items.push(pairItem(`${kind}/combined-key-first`, key + certificate, key + certificate));
    items.push(pairItem(`${kind}/switched`, key, certificate));
    items.push(pairItem(`${kind}/two-certificates`, certificate + certificates.rsa, key));
    items.push(pairItem(`${kind}/other-certificate-first`, certify(GOOD_KEYS.p384[0], ecCa) + certificate, key));
    items.push(pairItem(`${kind}/other-key-first`, certificate, pkcs8(GOOD_KEYS.p384[0]) + key));
    items.push(
      pairItem(
        `${kind}/broken-key-first`,
        certificate,
        `-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n${key}`,
      ),
    );
    items.push(
      pairItem(`${kind}/broken-second-certificate`, certificate + pem('CERTIFICATE', Buffer.of(0x30, 0)), key),
    );
    items.push(pairItem(`${kind}/other-key-same-kind`, certificate, pkcs8({ rsa: rsaCa, ec: ecCa, ed: edCa }[kind])));
    items.push(pairItem(`${kind}/other-kind`, certificate, kind === 'ec' ? pkcs8(rsa) : sec1));
    const dice = createDice(randomSeed + certificate.length);
    for (let count = 0; count < 60; count += 1) {
      const der =
        kind === 'rsa'
          ? rsa.privateKey.export({ format: 'der', type: 'pkcs1' })
          : ec.privateKey.export({ format: 'der', type: 'sec1' });
      const label = kind === 'rsa' ? 'RSA PRIVATE KEY' : 'EC PRIVATE KEY';
      if (kind !== 'ed')
        items.push(pairItem(`${kind}/key-damage-${count}`, certificate, pem(label, damage(der, dice))));
      items.push(pairItem(`${kind}/lines-${count}`, shuffle(certificate, dice), key));
      items.push(pairItem(`${kind}/key-lines-${count}`, certificate, shuffle(key, dice)));
    }
  }
  items.push(
    pairItem('encrypted-pkcs8', certificates.ec, encrypted),
    pairItem('encrypted-headers', certificates.rsa, traditional),
  );
  for (const [name, key] of Object.entries(ODD_KEYS))
    items.push(pairItem(`odd/${name}`, certify(key, ecCa), pkcs8(key)));
  for (const [name, [, key]] of Object.entries(GOOD_KEYS))
    items.push(pairItem(`good/${name}`, certify(key, ecCa), pkcs8(key)));
  return items;
}

/** The keys that kube-controller-manager signs with, as `keyutil.ParsePrivateKeyPEM` takes them. */
export function signingKeyItems(): readonly CorpusItem[] {
  const keys = Object.entries(KEY_FORMS).flatMap(([kind, forms]) =>
    forms.map(([name, text]) => [`${kind}/${name}`, text] as const),
  );
  const forms = PEM_FORMS.map(([name, change]) => [`form-${name}`, change(sec1)] as const);
  const others = [
    ['encrypted-pkcs8', encrypted],
    ['encrypted-headers', traditional],
    [
      'public',
      createPrivateKey(sec1).export({ format: 'pem', type: 'pkcs8' }).toString().replaceAll('PRIVATE', 'PUBLIC'),
    ],
    ['broken-first', `-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n${sec1}`],
    ...Object.entries(ODD_KEYS).map(([name, key]) => [`odd/${name}`, pkcs8(key)] as const),
  ] as const;
  return [...keys, ...forms, ...others].map(([name, text]) => ({
    id: `signing-key/${name}`,
    kind: 'signing-key',
    text: base64(text),
  }));
}

/** The certificates of the bundles, with their keys. */
export const BUNDLED = [rsaCa, ecCa].map((ca) => ({ certificate: certify(ca, ca), key: pkcs8(ca) }));

/** Files of CAs, for each of the programs that read them differently. */
export function bundleItems(randomSeed: number): readonly CorpusItem[] {
  const [first = '', second = ''] = BUNDLED.map(({ certificate }) => certificate);
  const broken = pem('CERTIFICATE', signForm({ ...leafForm(ecCa, ecCa), serial: integer('ff') }, ecCa));
  const texts: [string, string][] = PEM_FORMS.flatMap(([name, change]): [string, string][] => [
    [name, change(first)],
    [`second-${name}`, second + change(first)],
    [`first-${name}`, change(first) + second],
  ]);
  texts.push(
    ['negative-serial', broken],
    ['negative-serial-first', broken + first],
    ['negative-serial-last', first + broken],
  );
  texts.push(
    ['with-key', first + sec1],
    ['key-first', sec1 + first],
    ['key-alone', sec1],
    ['empty-block', pem('CERTIFICATE', Buffer.alloc(0))],
  );
  texts.push(
    ['with-crl', first + pem('X509 CRL', Buffer.of(0x30, 0))],
    [
      'concatenated',
      pem('CERTIFICATE', Buffer.concat([signForm(leafForm(ecCa, ecCa), ecCa), signForm(leafForm(ecCa, ecCa), ecCa)])),
    ],
  );
  const dice = createDice(randomSeed);
  for (let count = 0; count < 120; count += 1)
    texts.push([`lines-${count}`, shuffle(dice.pick([second, first + second]), dice)]);
  const readers: readonly BundleKind[] = ['client-go', 'pool', 'etcd'];
  return texts.flatMap(([name, text]) =>
    readers.map((kind) => ({ id: `bundle/${kind}/${name}`, kind, text: base64(text) })),
  );
}
