import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { shellLine } from '@kube-rescue/host';
import { describe, expect, it } from 'vitest';
import { linesOnScreen } from './screen.ts';

const run = promisify(execFile);
const ROWS = 24;
const COLUMNS = 80;
const dist = (name: string): string => fileURLToPath(new URL(`../../apps/cli/dist/${name}.js`, import.meta.url));

/** Steps side by side, each waiting, drawn and ended by the program itself on the terminal that it finds. */
const PROGRAM = `
  const { createReporter } = await import(${JSON.stringify(dist('reporter'))});
  const { describeTerminal } = await import(${JSON.stringify(dist('terminal'))});
  const { createProgress } = await import(${JSON.stringify(dist('render/progress'))});
  const { setTimeout: sleep } = await import('node:timers/promises');
  const progress = createProgress(createReporter(process.stderr, describeTerminal(process.stderr, process.env)), { now: () => new Date() });
  const steps = Array.from({ length: Number(process.argv[1]) }, (_, at) => 'step ' + at);
  for (const step of steps) progress.begin(step, step);
  for (const step of steps) progress.waitFor('the kubelet restarts the static pod of ' + step + ' with a long reason', step);
  await sleep(1500);
  if (process.argv[2] === 'cut') process.exit(0);
  for (const step of steps) progress.end('done', step, step);
  progress.stop();
`;

async function show(steps: number, end: 'cut' | 'whole'): Promise<string> {
  const argv = [process.execPath, '--input-type=module', '--eval', PROGRAM, String(steps), end];
  const line = `stty rows ${ROWS} columns ${COLUMNS}; exec ${shellLine(argv)}`;
  const env = { ...process.env, LANG: 'C.UTF-8', TERM: 'xterm', COLUMNS: '', NO_COLOR: '1' };
  const { stdout } = await run('script', ['--quiet', '--return', '--command', line, '/dev/null'], { env });
  return stdout;
}

describe('steps that run side by side, in a terminal', () => {
  it('have a line each, with the reason and the time of the wait, and count on', async () => {
    const lines = linesOnScreen(await show(3, 'cut'), ROWS);
    expect(lines).toHaveLength(3);
    for (const [at, line] of lines.entries()) {
      expect(line).toMatch(
        new RegExp(String.raw`^ +1\.\d s  step ${at} …; waiting 1\.\d s: the kubelet .* with a long reason`),
      );
      expect(line.length).toBeLessThan(COLUMNS);
    }
  });

  it('leave nothing on the screen but what is done, also where they are more than the screen has lines', async () => {
    const bytes = await show(40, 'whole');
    expect(bytes).toContain('and 19 more');
    const lines = linesOnScreen(bytes, ROWS);
    expect(lines).toHaveLength(40);
    for (const [at, line] of lines.entries()) {
      expect(line).toMatch(new RegExp(String.raw`^ +1\.\d s  done    step ${at} \(1\.\d s\)$`));
    }
  });
});
