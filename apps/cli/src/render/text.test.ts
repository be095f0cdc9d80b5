import { describe, expect, it } from 'vitest';
import { count, indentText, shorten, wrap } from './text.ts';

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

  it('counts in words', () => {
    expect(count(1, 'change')).toBe('1 change');
    expect(count(0, 'change')).toBe('0 changes');
  });
});
