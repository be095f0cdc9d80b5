/**
 * A client for checks from within a pod: asks one URL once and prints the answer's body.
 *
 * Ends with 0 for a status below 400, with 22 for another, with 7 when nothing answers, with 3 for no URL (as curl --fail does).
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
