import { describe, expect, it } from 'vitest';
import { readCall } from '../call.ts';
import { count, indentHint, indentText, shorten, widthOf, wrap } from './text.ts';

describe('text for a terminal', () => {
  it('loses its middle when it is too wide, and keeps both ends', () => {
    expect(shorten('/etc/kubernetes/pki/apiserver.crt', 21)).toBe('/etc/kub…piserver.crt');
    expect(shorten('short', 21)).toBe('short');
  });

  it('breaks at spaces, and in a word only when the word is wider than the line', () => {
    expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrap('abcdefgh', 3)).toEqual(['abc', 'def', 'gh']);
    expect(wrap('', 10)).toEqual(['']);
  });

  it('is indented below its first line', () => {
    expect(indentText('hint: ', 'put the key of the CA back on this node', 26)).toBe(
      'hint: put the key of the\n      CA back on this node',
    );
  });

  it('is measured and cut in whole characters as a terminal shows them', () => {
    expect(widthOf('ノード')).toBe(6);
    expect(shorten('ノードノードノード', 9)).toBe('ノ…ード');
    expect(wrap('ノードノード', 4)).toEqual(['ノー', 'ドノ', 'ード']);
    expect(wrap('e\u0301e\u0301', 1)).toEqual(['e\u0301', 'e\u0301']);
  });

  it('has ASCII marks where the locale has no others', () => {
    expect(shorten('/etc/kubernetes/pki/apiserver.crt', 21, { ascii: true })).toBe('/etc/ku...iserver.crt');
  });

  it('keeps a command of a hint on one line, with the flags of this call', () => {
    const call = readCall(['--root', '/mnt/node01'], { program: 'kube-rescue', flagsOf: () => ['root'] });
    expect(indentHint('hint: ', 'read the plan with `kube-rescue plan`, then act', { columns: 40, call })).toBe(
      'hint: read the plan with\n      `kube-rescue plan --root /mnt/node01`,\n      then act',
    );
  });

  it('counts in words', () => {
    expect(count(1, 'change')).toBe('1 change');
    expect(count(0, 'change')).toBe('0 changes');
  });
});
