// oxlint-disable-next-line no-control-regex -- the sequences of a terminal
const TOKENS = /\u001b\[(\d*)([A-Z])|\r|\n|[^\u001b\r\n]+|\u001b[^[]?|\u001b\[\?\d+[hl]/g;

/**
 * The lines that a terminal has shown in the end, also those that have left the screen: what the program cleared or drew over is gone.
 * Knows the sequences that kube-rescue writes: return, line feed, clear the line, up.
 *
 * @param rows height of the screen: nothing above it can be reached. Default: no limit
 */
export function linesOnScreen(bytes: string, rows = Infinity): readonly string[] {
  const lines: string[] = [''];
  let row = 0;
  let column = 0;
  for (const [token, number, command] of bytes.matchAll(TOKENS)) {
    if (token === '\r') column = 0;
    else if (token === '\n') {
      row += 1;
      lines[row] ??= '';
    } else if (command === 'A') row = Math.max(row - Number(number === '' ? 1 : number), lines.length - rows, 0);
    else if (command === 'K') lines[row] = '';
    else if (!token.startsWith('\u001b')) {
      const line = (lines[row] ?? '').padEnd(column);
      lines[row] = line.slice(0, column) + token + line.slice(column + token.length);
      column += token.length;
    }
  }
  const last = lines.findLastIndex((line) => line.trim() !== '');
  return lines.slice(0, last + 1).map((line) => line.trimEnd());
}
