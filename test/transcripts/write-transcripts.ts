import { mkdir, writeFile } from 'node:fs/promises';
import { recordTranscripts, TRANSCRIPTS } from './record.ts';

await mkdir(TRANSCRIPTS, { recursive: true });
for (const [name, page] of await recordTranscripts()) await writeFile(new URL(`${name}.md`, TRANSCRIPTS), page);
