import { describe, expect, it } from 'vitest';
import { renderSourceEntries } from './debian-source.ts';

const TARGETS = `Debian main http://deb.example/debian/ bookworm
Debian main http://deb.example/debian/ bookworm
Debian contrib http://deb.example/debian/ bookworm
Someone main http://apt.example/ stable
Debian main http://deb.example/debian-security/ bookworm-security
`;

describe('the private list of package sources', () => {
  it('lists each Debian archive of the machine once, and no other archive', () => {
    expect(renderSourceEntries(TARGETS, undefined)).toBe(
      'deb-src http://deb.example/debian/ bookworm main\n' +
        'deb-src http://deb.example/debian-security/ bookworm-security main\n',
    );
  });

  it('trusts only the archive keyring if it is installed', () => {
    expect(renderSourceEntries('Debian main http://deb.example/debian/ bookworm\n', '/keys.gpg')).toBe(
      'deb-src [signed-by=/keys.gpg] http://deb.example/debian/ bookworm main\n',
    );
  });

  it('is empty on a machine without package lists', () => {
    expect(renderSourceEntries('', undefined)).toBe('');
  });
});
