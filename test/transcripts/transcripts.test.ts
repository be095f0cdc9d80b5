import { readFile } from 'node:fs/promises';
import { requireProgram } from '@kube-rescue/testing';
import { expect, it } from 'vitest';
import { recordTranscripts, TRANSCRIPTS } from './record.ts';

// The page about DNS needs a name server.
it.skipIf(!requireProgram('knotd'))(
  'docs/reference/transcripts is what the commands show now (npm run docs:transcripts)',
  async () => {
    for (const [name, page] of await recordTranscripts()) {
      expect(await readFile(new URL(`${name}.md`, TRANSCRIPTS), 'utf8')).toBe(page);
    }
  },
);
