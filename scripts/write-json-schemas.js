// Writes docs/reference/schemas and docs/reference/json.md from the built command line; with --check, fails when they differ.
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createSchemas, fileOf, renderReference } from './json-schemas.js';

const REFERENCE = path.join(import.meta.dirname, '../docs/reference');
const SCHEMAS = path.join(REFERENCE, 'schemas');

const schemas = createSchemas();
const files = new Map([
  [path.join(REFERENCE, 'json.md'), await renderReference(schemas)],
  ...Object.entries(schemas).map(([command, schema]) => [
    path.join(SCHEMAS, fileOf(command)),
    `${JSON.stringify(schema, null, 2)}\n`,
  ]),
]);
await mkdir(SCHEMAS, { recursive: true });
const stale = (await readdir(SCHEMAS)).map((name) => path.join(SCHEMAS, name)).filter((file) => !files.has(file));
if (process.argv.includes('--check')) {
  const differing = [...stale];
  for (const [file, text] of files) if ((await readFile(file, 'utf8').catch(() => '')) !== text) differing.push(file);
  for (const file of differing) process.stderr.write(`${file} is not up to date: run npm run docs:json\n`);
  process.exitCode = differing.length === 0 ? 0 : 1;
} else {
  for (const file of stale) await rm(file);
  for (const [file, text] of files) await writeFile(file, text);
}
