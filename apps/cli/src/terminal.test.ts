import { describe, expect, it } from 'vitest';
import { describeTerminal } from './terminal.ts';

const TTY = { isTTY: true, columns: 120 };

describe('the capabilities of a stream', () => {
  it('is colour and live lines on a terminal', () => {
    expect(describeTerminal(TTY, { TERM: 'xterm' })).toEqual({
      columns: 120,
      colour: true,
      live: true,
      unbounded: false,
      ascii: true,
    });
  });

  it('is plain text 80 columns wide in a pipe', () => {
    expect(describeTerminal({ columns: 120 }, {})).toEqual({
      columns: 80,
      colour: false,
      live: false,
      unbounded: true,
      ascii: true,
    });
  });

  it('is live lines without colour where NO_COLOR is set', () => {
    expect(describeTerminal(TTY, { NO_COLOR: '1' })).toMatchObject({ colour: false, live: true });
  });

  it('is colour where NO_COLOR is empty', () => {
    expect(describeTerminal(TTY, { NO_COLOR: '' })).toMatchObject({ colour: true });
  });

  it('is plain text on a dumb terminal', () => {
    expect(describeTerminal(TTY, { TERM: 'dumb' })).toMatchObject({ colour: false, live: false });
  });

  it('is 80 columns on a terminal that does not know its width', () => {
    expect(describeTerminal({ isTTY: true, columns: 0 }, {}).columns).toBe(80);
  });

  it('has the width that COLUMNS names, also in a pipe', () => {
    expect(describeTerminal(TTY, { COLUMNS: '200' })).toMatchObject({ columns: 200, unbounded: false });
    expect(describeTerminal({}, { COLUMNS: '200' })).toMatchObject({ columns: 200, unbounded: false });
    expect(describeTerminal(TTY, { COLUMNS: 'wide' })).toMatchObject({ columns: 120 });
    expect(describeTerminal(TTY, { COLUMNS: '10' })).toMatchObject({ columns: 40 });
  });

  it.each([
    [{ LANG: 'de_DE.UTF-8' }, false],
    [{ LANG: 'C.utf8' }, false],
    [{ LANG: 'de_DE.UTF-8', LC_ALL: 'C' }, true],
    [{ LC_CTYPE: 'en_US.UTF-8', LANG: 'C' }, false],
    [{ LC_ALL: '', LANG: 'de_DE.ISO-8859-1' }, true],
    [{}, true],
  ])('shows ASCII marks unless the locale is UTF-8: %o', (env, ascii) => {
    expect(describeTerminal(TTY, env).ascii).toBe(ascii);
  });
});
