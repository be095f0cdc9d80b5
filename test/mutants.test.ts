import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { MUTANTS } from './mutants/all.ts';

describe('the bugs that test:mutants plants', () => {
  it('fit the current sources, each exactly once, so that none is skipped after a change', async () => {
    const misfits: string[] = [];
    for (const { name, directory, file, from } of MUTANTS) {
      const text = await readFile(new URL(`../${directory}/src/${file}`, import.meta.url), 'utf8');
      const times = text.split(from).length - 1;
      if (times !== 1) misfits.push(`${directory}/src/${file}: ${name} (${times} times)`);
    }
    expect(MUTANTS.length).toBeGreaterThan(70);
    expect(misfits).toEqual([]);
  });
});
