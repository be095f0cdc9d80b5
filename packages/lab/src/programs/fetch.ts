/**
 * An HTTP client for checks inside a pod: requests one URL once and prints the body.
 *
 * Exits as curl --fail does: 0 for a status below 400, 22 for another, 7 without an answer, 3 for an invalid URL.
 */
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { parseArgs } from 'node:util';
import { fail } from './program.ts';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    header: { type: 'string', short: 'H', multiple: true, default: [] },
    'max-time': { type: 'string', default: '5' },
  },
});
const [url = ''] = positionals;
if (!URL.canParse(url)) fail(`not a URL: ${url}`, 3);
const headers = Object.fromEntries(flags.header.map((line) => line.split(/:\s*/, 2) as [string, string]));
const ask = url.startsWith('https:') ? requestHttps : requestHttp;
const asked = ask(url, { headers, signal: AbortSignal.timeout(Number(flags['max-time']) * 1_000) }, (response) => {
  response.pipe(process.stdout);
  if ((response.statusCode ?? 0) >= 400) process.exitCode = 22;
});
asked.on('error', (error) => {
  process.stderr.write(`${url}: ${error.message}\n`);
  process.exit(7);
});
asked.end();
