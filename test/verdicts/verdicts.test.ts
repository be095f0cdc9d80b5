import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { MACHINES } from './machines/index.ts';
import { renderVerdicts } from './page.ts';

it('docs/reference/verdicts.md is what triage prints now (npm run docs:verdicts)', async () => {
  const page = await readFile(new URL('../../docs/reference/verdicts.md', import.meta.url), 'utf8');
  expect(page).toBe(await renderVerdicts(MACHINES));
});
