import type { Terminal } from '../terminal.ts';
import { wrap } from './text.ts';

const LIST_ITEM = /^(\s*(?:[-*]|\d+\.) )(.*)$/;
const RULE = /^\|[-| :]+\|$/;

/** Markdown for a terminal: prose wrapped, tables as lists, code as it is. */
export function renderRunbook(markdown: string, { columns }: Pick<Terminal, 'columns'>): string {
  const parts = markdown.trim().split(/^(```.*?^```)$/gms);
  return parts.map((part) => (part.startsWith('```') ? codeOf(part) : proseOf(part, columns))).join('');
}

/** Indented, without its fences. */
function codeOf(block: string): string {
  const lines = block.split('\n').slice(1, -1);
  return lines.map((line) => (line === '' ? '' : `    ${line}`)).join('\n');
}

function proseOf(text: string, columns: number): string {
  const paragraphs = text.split(/\n(?=\n|[-*] |\d+\. |\||#)/);
  return paragraphs.map((paragraph) => paragraphOf(paragraph, columns)).join('\n');
}

function paragraphOf(paragraph: string, columns: number): string {
  const [, blank = '', body = ''] = /^(\n*)(.*?)\s*$/s.exec(paragraph) ?? [];
  const end = /\n*$/.exec(paragraph)?.[0] ?? '';
  if (body === '' || RULE.test(body)) return body === '' ? paragraph : '';
  if (body.startsWith('|')) return `${blank}${rowOf(body, columns)}${end}`;
  const line = plain(body.replaceAll(/\s*\n\s*/g, ' '));
  const [, label = '', rest = line] = LIST_ITEM.exec(line) ?? [];
  return `${blank}${indented(label, rest, columns)}${end}`;
}

/** The first cell, and the others below it. */
function rowOf(row: string, columns: number): string {
  const [first = '', ...others] = row
    .slice(1, -1)
    .split('|')
    .map((cell) => plain(cell.trim()));
  return [
    indented('', first, columns),
    ...others.filter((cell) => cell !== '').map((cell) => indented('    ', cell, columns)),
  ].join('\n');
}

function indented(label: string, text: string, columns: number): string {
  const lines = wrap(text, columns - label.length);
  return lines.map((line, at) => `${at === 0 ? label : ' '.repeat(label.length)}${line}`).join('\n');
}

/** Without the marks of code and emphasis; a link to another runbook names it. */
function plain(text: string): string {
  return text
    .replaceAll(
      /\[([^\]]+)\]\(([^)]+)\)/g,
      (_all, label: string, target: string) => `${label} (${target.replace(/\.md$/, '')})`,
    )
    .replaceAll(/\*\*([^*]+)\*\*/g, '$1')
    .replaceAll('`', '');
}
