import { glob, readFile } from 'node:fs/promises';
import { redact } from '@kube-rescue/errors';
import { describe, expect, it } from 'vitest';

const SOURCES = ['packages/*/src/**/*.ts', 'apps/cli/src/**/*.ts'];
/** What a person is told, as far as it stands in the source in one piece. */
const TOLD = /\b(?:hint|message|summary|reason|title)\s*[:=]\s*(['`])((?:\\.|(?!\1)[^\\\n])*)\1/g;

describe('what a person is told', () => {
  it('loses no word of ours to the redaction of secrets', async () => {
    const damaged: string[] = [];
    let told = 0;
    for await (const file of glob(SOURCES, { exclude: (name) => /\.test\.ts$|\/generated\//.test(name) })) {
      for (const [, , text = ''] of (await readFile(file, 'utf8')).matchAll(TOLD)) {
        told += 1;
        if (redact(text) !== text) damaged.push(`${file}: ${text}`);
      }
    }
    expect(told).toBeGreaterThan(500);
    expect(damaged).toEqual([]);
  });
});
