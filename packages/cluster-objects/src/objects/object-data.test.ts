import { describe, expect, it } from 'vitest';
import { isObjectKey, readObjectData, withObjectData } from './object-data.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const bytes = (text: string): Uint8Array => Buffer.from(text);
const metadata = { name: 'a', namespace: 'default' };
const secret = { apiVersion: 'v1', kind: 'Secret', metadata, data: { key: base64('old'), other: base64('kept') } };
const configMap = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata,
  data: { key: 'old', broken: null },
  binaryData: { raw: base64('raw') },
};

describe('the data of an object', () => {
  it('is decoded according to its kind, without non-string values', () => {
    expect([...readObjectData(secret)].map(([key, value]) => [key, String(value)])).toEqual([
      ['key', 'old'],
      ['other', 'kept'],
    ]);
    expect([...readObjectData(configMap)].map(([key, value]) => [key, String(value)])).toEqual([
      ['key', 'old'],
      ['raw', 'raw'],
    ]);
    expect(readObjectData({ apiVersion: 'v1', kind: 'Secret', metadata }).size).toBe(0);
  });

  it('is changed for existing keys, in the same encoding', () => {
    const wanted = new Map([
      ['key', bytes('new')],
      ['raw', bytes('newer')],
      ['missing', bytes('x')],
    ]);
    expect(withObjectData(secret, wanted)).toEqual({ ...secret, data: { ...secret.data, key: base64('new') } });
    expect(withObjectData(configMap, wanted)).toEqual({
      ...configMap,
      data: { ...configMap.data, key: 'new' },
      binaryData: { raw: base64('newer') },
    });
  });

  it('is the same object when nothing differs', () => {
    expect(withObjectData(secret, new Map([['key', bytes('old')]]))).toBe(secret);
  });
});

describe('a key of a Secret', () => {
  it.each(['ca.crt', '.dockerconfigjson', 'a', '-', '_', 'A.b-c_d', 'x..y', 'a'.repeat(253)])('may be %s', (key) => {
    expect(isObjectKey(key)).toBe(true);
  });

  it.each([
    '',
    '.',
    '..',
    '..data',
    '../x',
    '/etc/passwd',
    'a/b',
    'a/../../b',
    'a\\b',
    'a\0',
    'a\n',
    'ä',
    'a b',
    'a'.repeat(254),
  ])('is no file name as %j', (key) => expect(isObjectKey(key)).toBe(false));
});
