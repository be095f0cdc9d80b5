import { parseArgs } from 'node:util';
import { KUBERNETES } from '../../apps/drill/src/scenarios.ts';
import type { BenchOptions, BenchResult, BenchRow } from './bench.ts';

/** Loaded by name, so that a benchmark does not need the dependencies of another. */
const BENCHES: Readonly<Record<string, () => Promise<{ run(options: BenchOptions): Promise<BenchResult> }>>> = {
  'certs-check': () => import('./certs-check.ts'),
  'dns-check': () => import('./dns-check.ts'),
  'etcd-read': () => import('./etcd-read.ts'),
  'etcd-snapshot': () => import('./etcd-snapshot.ts'),
  issue: () => import('./issue.ts'),
  'node-reads': () => import('./node-reads.ts'),
  'object-inventory': () => import('./object-inventory.ts'),
  recover: () => import('./recover.ts'),
  renew: () => import('./renew.ts'),
  'renew-living': () => import('./renew-running.ts'),
  saturday: () => import('./saturday.ts'),
  'service-account-secrets': () => import('./service-account-secrets.ts'),
  start: () => import('./start.ts'),
  triage: () => import('./triage.ts'),
};

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false }, baseline: { type: 'string' }, kubernetes: { type: 'string' } },
  allowPositionals: true,
});
const names = positionals.length > 0 ? positionals : Object.keys(BENCHES);
const unknown = names.filter((name) => !(name in BENCHES));
const kubernetes = KUBERNETES.find((version) => version === values.kubernetes);
if (values.kubernetes !== undefined && kubernetes === undefined) {
  process.stderr.write(`unknown: --kubernetes ${values.kubernetes}; choose from ${KUBERNETES.join(', ')}\n`);
  process.exitCode = 2;
} else if (unknown.length > 0) {
  process.stderr.write(`unknown: ${unknown.join(', ')}; choose from ${Object.keys(BENCHES).join(', ')}\n`);
  process.exitCode = 2;
} else {
  const results: BenchResult[] = [];
  for (const name of names) {
    process.stderr.write(`== ${name}\n`);
    const bench = await BENCHES[name]?.();
    if (bench !== undefined) results.push(await bench.run({ baseline: values.baseline, kubernetes }));
  }
  const missed = results.flatMap(({ rows }) => rows).filter((row) => verdictOf(row) === 'missed');
  process.stdout.write(values.json ? `${JSON.stringify({ ok: missed.length === 0, results })}\n` : render(results));
  process.exitCode = missed.length === 0 ? 0 : 3;
}

function verdictOf({ ours, peer, target }: BenchRow): 'met' | 'missed' | '-' {
  if (target === undefined) return '-';
  return ours / peer <= target ? 'met' : 'missed';
}

function render(results: readonly BenchResult[]): string {
  const lines = results.flatMap(({ name, rows }) => [
    name,
    ...rows.flatMap((row) => [
      `  ${row.what}`,
      `    ${row.ours.toFixed(2)} ${row.unit} against ${row.peer.toFixed(2)} ${row.unit} of ${row.peerName}`,
      `    ratio ${(row.ours / row.peer).toFixed(2)}, target ${row.target?.toFixed(2) ?? 'none'}: ${verdictOf(row)}`,
    ]),
  ]);
  return `${lines.join('\n')}\n`;
}
