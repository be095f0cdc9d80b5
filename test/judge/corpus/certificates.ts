import {
  algorithmOf,
  type CertificateForm,
  commonName,
  extension,
  hex,
  integer,
  sequence,
  signForm,
  text,
  usualScheme,
  VALIDITY,
  VERSION_3,
} from './certificate-form.ts';
import { VARIANTS } from './certificate-variants.ts';
import { base64, type CorpusItem, createDice, type Dice } from './items.ts';
import { GOOD_KEYS, type GoodKey, type KeyPair, ODD_KEYS } from './keys.ts';

const SAN = extension('551d11', sequence(text(0x82, 'node01.corp.example'), hex('87047f000001')));
const LEAF_EXTENSIONS = [
  extension('551d0f', hex('030205a0'), true),
  extension('551d13', hex('3000'), true),
  extension('551d25', sequence(hex('06082b06010505070301'), hex('06082b06010505070302'))),
  SAN,
];

/** A leaf as kubeadm makes it. */
export function leafForm(key: KeyPair, signer: KeyPair): CertificateForm {
  return {
    version: VERSION_3,
    serial: integer('1234567890'),
    algorithm: algorithmOf(usualScheme(signer)),
    issuer: commonName('kubernetes'),
    validity: VALIDITY,
    subject: commonName('kube-apiserver'),
    publicKey: key.spki,
    afterKey: [],
    extensions: LEAF_EXTENSIONS,
  };
}

/** Changes a few bytes: replaces, inserts, removes, or flips a bit. */
export function damage(bytes: Buffer, dice: Dice): Buffer {
  let damaged = bytes;
  for (let count = 1 + dice.below(3); count > 0; count -= 1) {
    const at = dice.below(damaged.length);
    const value = dice.pick([0x00, 0x01, 0x05, 0x30, 0x7f, 0x80, 0x81, 0xa0, 0xff]);
    const [before, after] = [damaged.subarray(0, at), damaged.subarray(at + 1)];
    damaged = dice.pick([
      () => Buffer.concat([before, Buffer.of(value), after]),
      () => Buffer.concat([before, Buffer.of(value), damaged.subarray(at)]),
      () => Buffer.concat([before, after]),
      () => Buffer.concat([before, Buffer.of((damaged[at] ?? 0) ^ (1 << dice.below(8))), after]),
    ])();
  }
  return damaged;
}

const item = (id: string, der: Buffer): CorpusItem => ({
  id: `certificate/${id}`,
  kind: 'certificate',
  der: base64(der),
});

/** Certificates by themselves: each variant with each kind of key, odd keys, trailing bytes, and random damage. */
export function certificateItems(seed: number): readonly CorpusItem[] {
  const items: CorpusItem[] = [];
  const kinds = ['rsa', 'p256', 'ed25519'] as const satisfies readonly GoodKey[];
  for (const kind of kinds) {
    const [signer, key] = GOOD_KEYS[kind];
    const form = leafForm(key, signer);
    for (const [name, changes] of VARIANTS)
      items.push(item(`${kind}/${name}`, signForm({ ...form, ...changes }, signer)));
    const plain = signForm(form, signer);
    items.push(item(`${kind}/trailing`, Buffer.concat([plain, hex('00')])));
    items.push(item(`${kind}/twice`, Buffer.concat([plain, plain])));
    items.push(item(`${kind}/cut`, plain.subarray(0, -1)));
    items.push(item(`${kind}/long-length`, Buffer.concat([hex('308300'), plain.subarray(2)])));
    items.push(item(`${kind}/indefinite`, Buffer.concat([hex('3080'), plain.subarray(4), hex('0000')])));
    const dice = createDice(seed + plain.length);
    for (let count = 0; count < 170; count += 1) items.push(item(`${kind}/damage-${count}`, damage(plain, dice)));
  }
  const [signer] = GOOD_KEYS.p256;
  for (const [name, key] of Object.entries(ODD_KEYS))
    items.push(item(`odd/${name}`, signForm(leafForm(key, signer), signer)));
  items.push(item('empty', Buffer.alloc(0)));
  return items;
}
