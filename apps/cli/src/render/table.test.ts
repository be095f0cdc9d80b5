import { describe, expect, it } from 'vitest';
import { renderTable } from './table.ts';

const PLAIN = { columns: 80, colour: false, live: false };
const LONG = '/etc/kubernetes/pki/etcd/a-certificate-with-a-very-long-name/healthcheck-client.crt';

describe('a table', () => {
  it('aligns its columns and leaves no space at the ends of lines', () => {
    const text = renderTable(
      {
        header: ['A', 'LONGER'],
        rows: [
          ['one', 'x'],
          ['three', 'y'],
        ],
      },
      PLAIN,
    );
    expect(text).toBe('A      LONGER\none    x\nthree  y');
  });

  it('stays within 80 columns: the last column wraps, the flexible one loses its middle', () => {
    const text = renderTable(
      { header: ['NAME', 'PATH', 'NOTE'], rows: [['x', LONG, 'word '.repeat(20)]], flexible: 1 },
      PLAIN,
    );
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(text).toContain('…');
    expect(text.match(/word/g)).toHaveLength(20);
    expect(text).toContain('client.crt');
  });

  it('breaks a path behind a slash', () => {
    const text = renderTable(
      { header: ['N', 'PATH'], rows: [['x'.repeat(40), '/etc/kubernetes/controller-manager.conf']] },
      PLAIN,
    );
    expect(text.split('\n').slice(1)).toEqual([
      `${'x'.repeat(40)}  /etc/kubernetes/`,
      `${' '.repeat(42)}controller-manager.conf`,
    ]);
  });

  it('shortens its last column where that is the flexible one', () => {
    const text = renderTable({ header: ['N', 'PATH'], rows: [['x'.repeat(50), LONG]], flexible: 1 }, PLAIN);
    expect(text.split('\n')[1]).toBe(`${'x'.repeat(50)}  /etc/kuber…hcheck-client.crt`);
  });

  it('does not let an escape sequence or a line break out of its cell', () => {
    const text = renderTable({ header: ['NAME'], rows: [['a\u001b[2Jb\nc']] }, PLAIN);
    expect(text).toBe('NAME\na\\x1b[2Jb c');
  });

  it('colours a cell without counting the colour as width', () => {
    const rows = [[{ text: 'bad', colour: 'red' as const }, 'x']];
    const text = renderTable({ header: ['STATE', 'B'], rows }, { ...PLAIN, colour: true });
    expect(text.split('\n')[1]).toBe('\u001b[31mbad\u001b[0m    x');
  });
});
