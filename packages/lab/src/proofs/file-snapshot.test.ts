import { describe, expect, it } from 'vitest';
import { parseSnapshot } from './file-snapshot.ts';

describe('a snapshot of files', () => {
  it('has kind, mode, owner and digest or target of each path', () => {
    const digest = 'a'.repeat(64);
    const listing = '/etc/k\td 755 0:0 \n/etc/k/a file\tf 600 0:0 \n/etc/k/link\tl 777 0:0 /etc/k/a file\n';
    expect(parseSnapshot(listing, `${digest}  /etc/k/a file\n`)).toEqual({
      '/etc/k': 'd 755 0:0',
      '/etc/k/a file': `f 600 0:0 ${digest}`,
      '/etc/k/link': 'l 777 0:0 /etc/k/a file',
    });
  });
});
