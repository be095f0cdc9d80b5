import { writeFile } from 'node:fs/promises';
import { MACHINES } from './machines/index.ts';
import { renderVerdicts } from './page.ts';

await writeFile(new URL('../../docs/reference/verdicts.md', import.meta.url), await renderVerdicts(MACHINES));
