import { execFile } from 'node:child_process';
import { shellLine } from '@kube-rescue/host';
import { linesOnScreen } from './screen.ts';

const SIZE = 'stty rows 24 columns 80';
const ENVIRONMENT = { HOME: '/nonexistent', LANG: 'C.UTF-8', TERM: 'xterm', NO_COLOR: '1' };

/** What a program showed. */
export interface Shown {
  readonly text: string;
  readonly exitCode: number;
}

type Environment = Readonly<Record<string, string>>;

/** In a terminal of 80 columns and 24 lines, which error output and standard output share. */
export async function inTerminal(argv: readonly string[], env: Environment = {}): Promise<Shown> {
  const line = `${SIZE}; exec ${shellLine(argv)}`;
  const { text, exitCode } = await runProgram('script', ['--quiet', '--return', '--command', line, '/dev/null'], env);
  return { text: linesOnScreen(text).join('\n'), exitCode };
}

export async function inPipe(argv: readonly string[], env: Environment = {}): Promise<Shown> {
  const { text, exitCode } = await runProgram('sh', ['-c', `exec ${shellLine(argv)} 2>&1`], env);
  return { text: text.trimEnd(), exitCode };
}

function runProgram(program: string, args: readonly string[], more: Environment): Promise<Shown> {
  const { PATH = '' } = process.env;
  const env = { PATH, ...ENVIRONMENT, ...more };
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { env }, (error, stdout) => {
      const code = error === null ? 0 : error.code;
      if (typeof code !== 'number') return reject(error ?? new Error('no exit code'));
      resolve({ text: stdout, exitCode: code });
    });
    child.stdin?.end();
  });
}

/** A section of a page: what a command showed in the terminal, and in the pipe where that was something else. */
export function renderSection(title: string, terminal: Shown, pipe: Shown): string {
  if (terminal.exitCode !== pipe.exitCode) throw new Error(`${title}: ${terminal.exitCode} and ${pipe.exitCode}`);
  const piped = pipe.text === terminal.text ? [] : ['In a pipe:', '', fence(pipe.text), ''];
  return [`## ${title}`, '', fence(terminal.text), '', ...piped, `Exit code ${terminal.exitCode}.`, ''].join('\n');
}

function fence(text: string): string {
  return `\`\`\`text\n${text}\n\`\`\``;
}

/** Lines of steps, one for each change of state; a step has one line. */
const STEP_LINES = /(?:^ +0\.0 s {2}(?:…|done) .*\n)+/gm;
/** Columns of the time and the state. */
const STATE_END = '   0.0 s  done    '.length;

/** Zeros of the same width, so that no line is broken elsewhere. */
export function withoutTimes(text: string): string {
  return (
    text
      .replaceAll(/\n SECONDS +TIMELINE\n(?:.+\n)+\n?/g, '')
      .replaceAll(/\d{8}T\d{6}Z-[0-9a-f]{4}/g, '00000000T000000Z-0000')
      .replaceAll(/\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d/g, '0000-00-00-00-00-00')
      .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, '0000-00-00 00:00:00')
      // The version of the language of policies is no date.
      .replaceAll(/(?!2012-10-17)\d{4}-\d\d-\d\d/g, '0000-00-00')
      .replaceAll(/\d\d:\d\d:\d\d UTC/g, '00:00:00 UTC')
      .replaceAll(/ \(\d+\.\d\s+s\)/g, '')
      .replaceAll(/ *\d+\.\d s {2}/g, '   0.0 s  ')
      .replaceAll(/\d+\.\d s/g, '0.0 s')
      .replaceAll(STEP_LINES, sortSteps)
  );
}

/** Steps that run side by side end in any order: those of a phase are sorted, the beginning of each in front of its end. */
function sortSteps(lines: string): string {
  const keyOf = (line: string): string => `${line.slice(STATE_END)} ${line.includes('…') ? 0 : 1}`;
  return lines
    .trimEnd()
    .split('\n')
    .toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
    .map((line) => `${line}\n`)
    .join('');
}
