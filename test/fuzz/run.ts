import { parseArgs } from 'node:util';
import { fuzz, type FuzzReport } from './fuzzing.ts';
import { FUZZ_TARGETS } from './targets.ts';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '10000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    target: { type: 'string', multiple: true },
    json: { type: 'boolean', default: false },
  },
});
/** Targets that open a socket for each case get fewer cases. */
const CASE_SHARE: Readonly<Record<string, number>> = {
  'dns-answer': 0.1,
  'aws-response': 0.1,
  'api-answer': 0.5,
  'private-key': 0.5,
  'hostile-api-server': 0.05,
  'hostile-etcd': 0.05,
  'hostile-http': 0.05,
  'hostile-aws': 0.03,
};

const targets = FUZZ_TARGETS.filter(({ name }) => values.target?.includes(name) ?? true);
const weight = targets.reduce((sum, { name }) => sum + (CASE_SHARE[name] ?? 1), 0);
const reports: FuzzReport[] = [];
for (const target of targets) {
  const share = Math.ceil((Number(values.cases) * (CASE_SHARE[target.name] ?? 1)) / weight);
  process.stderr.write(`== ${target.name}: ${share} cases\n`);
  reports.push(await fuzz(target, share, Number(values.seed)));
}
const sum = (of: (report: FuzzReport) => number): number => reports.reduce((total, report) => total + of(report), 0);
const codes = new Map<string, number>();
for (const [code, count] of reports.flatMap(({ refused }) => Object.entries(refused))) {
  codes.set(code, (codes.get(code) ?? 0) + count);
}
const failures = reports.flatMap(({ target, failures: found }) => found.map((failure) => ({ target, ...failure })));
const total = {
  seed: Number(values.seed),
  cases: sum(({ cases }) => cases),
  uniqueInputs: sum(({ uniqueInputs }) => uniqueInputs),
  accepted: sum(({ accepted }) => accepted),
  refused: Object.fromEntries([...codes].toSorted((a, b) => b[1] - a[1])),
  untyped: failures.length,
  slowestMs: Math.max(...reports.map(({ slowestMs }) => slowestMs)),
  peakMemoryMiB: Math.round(process.resourceUsage().maxRSS / 1024),
};
for (const { target, message, input } of failures) process.stderr.write(`${target}: ${message}\n  input: ${input}\n`);
if (values.json) {
  process.stdout.write(`${JSON.stringify({ ...total, targets: reports }, null, 2)}\n`);
} else {
  process.stdout.write(`seed ${total.seed}: ${total.cases} cases, ${total.uniqueInputs} unique inputs\n`);
  process.stdout.write(`accepted ${total.accepted}\n`);
  for (const [code, count] of Object.entries(total.refused))
    process.stdout.write(`${count.toString().padStart(8)} ${code}\n`);
  process.stdout.write(`slowest ${total.slowestMs.toFixed(0)} ms, peak memory ${total.peakMemoryMiB} MiB\n`);
  process.stdout.write(`untyped errors: ${total.untyped}\n`);
}
process.exit(failures.length === 0 ? 0 : 1);
