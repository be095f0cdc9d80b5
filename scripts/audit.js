// Asks the registry for advisories about every package in package-lock.json. Exit 0: it knows none. Exit 1: it knows some. Exit 2:
// NOT checked, because the registry does not answer such questions, or does not know an advisory that every registry knows.
import { spawnSync } from 'node:child_process';

const TIMEOUT_MS = 60_000;
/** CVE-2019-10744, critical; known to every source of advisories for npm. */
const KNOWN = { lodash: ['4.17.4'] };

const registry = spawnSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).stdout.trim().replace(/\/$/, '');

function notChecked(reason) {
  console.error(`NOT checked for advisories: ${reason}`);
  console.error(
    '  set another source: npm run audit --registry=https://registry.npmjs.org; or compare with https://osv.dev by hand',
  );
  process.exit(2);
}

async function askForKnown() {
  const url = `${registry}/-/npm/v1/security/advisories/bulk`;
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(KNOWN),
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (response.status !== 200) notChecked(`${url} answers ${response.status}`);
    const { lodash } = await response.json();
    if (!Array.isArray(lodash) || lodash.length === 0)
      notChecked(`${url} knows no advisory for lodash 4.17.4, which has several`);
  } catch (error) {
    notChecked(`${url} does not answer: ${error instanceof Error ? error.message : 'no reason given'}`);
  }
}

await askForKnown();
const { stdout, error } = spawnSync('npm', ['audit', '--json'], {
  encoding: 'utf8',
  timeout: TIMEOUT_MS,
  maxBuffer: 64 * 1024 * 1024,
});
if (error !== undefined) notChecked(`npm audit: ${error.message}`);
let report;
try {
  report = JSON.parse(stdout);
} catch {
  notChecked('npm audit prints no JSON');
}
const total = report?.metadata?.vulnerabilities?.total;
if (report?.auditReportVersion !== 2 || typeof total !== 'number')
  notChecked(report?.message ?? 'npm audit has no report');
for (const [name, { severity, range }] of Object.entries(report.vulnerabilities ?? {})) {
  console.error(`${severity}: ${name} ${range}`);
}
console.log(
  `${report.metadata.dependencies?.total ?? 'all'} packages checked with ${registry}: ${total} with advisories`,
);
process.exit(total === 0 ? 0 : 1);
