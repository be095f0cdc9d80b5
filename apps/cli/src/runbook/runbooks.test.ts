import { readdir, readFile } from 'node:fs/promises';
import { requireProgram } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { COMMAND, runCli, runProgram } from '../cli-process.fixture.ts';
import { renderRunbook } from '../render/runbook.ts';
import { RUNBOOKS } from './runbooks.ts';

const DIRECTORY = new URL('../../../../docs/runbooks/', import.meta.url);

describe('the runbooks', () => {
  it('are those of the repository', async () => {
    const files = await readdir(DIRECTORY);
    expect(files.toSorted()).toEqual(RUNBOOKS.map((name) => `${name}.md`).toSorted());
  });

  it('are listed with their titles', async () => {
    const { exitCode, stdout } = await runCli(['runbook']);
    expect(exitCode).toBe(0);
    for (const name of RUNBOOKS) expect(stdout).toContain(`${name}\n`);
    expect(stdout).toContain('The kubelet does not start');
  });

  it.each(RUNBOOKS)(
    '%s has every command as the repository has it, and no line of prose above 80 columns',
    async (name) => {
      const markdown = await readFile(new URL(`${name}.md`, DIRECTORY), 'utf8');
      const shown = renderRunbook(markdown, { columns: 80 });
      const code = [...markdown.matchAll(/^```[^\n]*\n(.*?)^```$/gms)].flatMap(([, block = '']) =>
        block.trimEnd().split('\n'),
      );
      expect(code.length).toBeGreaterThan(2);
      const lines = shown.split('\n');
      for (const line of code) expect(lines).toContain(line === '' ? '' : `    ${line}`);
      const prose = lines.filter((line) => !code.includes(line.slice(4)));
      expect(prose.filter((line) => line.length > 80)).toEqual([]);
      const words = markdown
        .replaceAll(/\]\([^)]*\)|[^\w]+/g, ' ')
        .split(' ')
        .filter((word) => word.length > 4);
      expect(words.filter((word) => !shown.replaceAll(/\n */g, ' ').includes(word))).toEqual([]);
    },
  );

  it('with an unknown name are a wrong usage', async () => {
    const { exitCode, stderr } = await runCli(['runbook', 'nothing-works']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('everything-has-expired-kubeadm');
  });
});

describe.skipIf(!requireProgram('script', 'more'))('on a terminal', () => {
  it('a runbook is shown page by page', async () => {
    const line = [...COMMAND, 'runbook', 'everything-has-expired-kubeadm'].join(' ');
    const shown = await runProgram(
      'script',
      ['--quiet', '--return', '--command', `stty rows 24 cols 80; ${line}`, '/dev/null'],
      {
        env: { ...process.env, TERM: 'vt100' },
        typed: { after: 'Symptom', text: 'q' },
      },
    );
    expect(shown.exitCode).toBe(0);
    expect(shown.stdout).toContain('Everything has expired (kubeadm)');
    expect(shown.stdout).not.toContain('To undo');
  });
});
