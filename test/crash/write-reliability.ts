import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { CrashPoints } from '@kube-rescue/testing';
import type { InterruptionReport } from './cluster-crash.ts';
import { sumOf } from './endings.ts';
import type { Interruption } from './saturday-moments.ts';

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** The report of the last run; `undefined` when there is none in this checkout. */
async function readReport<T>(name: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(at(`test-results/${name}.json`), 'utf8')) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A section of the page: written from its report, or kept as it is when the report is missing. */
function section<T>(heading: string, command: string, report: T | undefined, write: (report: T) => string): string {
  if (report !== undefined) return `${heading}\n\n${write(report).trim()}\n`;
  const rest = present.split(`${heading}\n`)[1];
  if (rest === undefined) throw new Error(`no report, and no such section yet: ${heading}; run first: ${command}`);
  console.error(`kept, its report is missing (${command}): ${heading}`);
  return `${heading}\n${rest.split(/\n(?=##)/)[0]?.trimEnd() ?? ''}\n`;
}

function table(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  const rule = header.map((_, column) => (column === 0 ? '---' : '---:'));
  return [line(header), line(rule), ...rows.map(line)].join('\n');
}

const COUNTS = ['points', 'resumed', 'rolled back', 'lost'];

function endingsBy(points: readonly CrashPoints[], key: 'kind' | 'subject', title: string): string {
  const names = [...new Set(points.map((each) => each[key]))];
  const row = (name: string, chosen: readonly CrashPoints[]): readonly (string | number)[] => {
    const { points: all, resumed, rolledBack, lost } = sumOf(chosen);
    return [name, all, resumed, rolledBack, lost];
  };
  const rows = names.map((name) =>
    row(
      name,
      points.filter((each) => each[key] === name),
    ),
  );
  return table([title, ...COUNTS], [...rows, row('**all**', points)]);
}

interface Mutants {
  readonly mutants: readonly { readonly name: string; readonly file: string }[];
  readonly survivors: readonly string[];
}

const present = await readFile(at('docs/reliability.md'), 'utf8');
const trackRecord = await readFile(at('test/crash/track-record.md'), 'utf8');

interface Saturday {
  readonly interruptions: readonly Interruption[];
  readonly reasons: readonly string[];
}

function describeSaturday({ interruptions, reasons }: Saturday): string {
  const lost = reasons.length === 0 ? 0 : interruptions.length;
  return `\`npm run test:e2e:crash:saturday\`. One recovery, through etcd, of a self-hosted control plane with a pod checkpointer, with a worker that
rejoins over SSH; interrupted repeatedly, each time at a later point, and resumed each time. Afterwards the API server must stay up for
three minutes, both nodes must be Ready, every workload and the web shop must answer, the expired CA must be in no object or file, no
rescue pod and no temporary file may remain, and another plan must find nothing to do. The table is from before the steps ran side by side, without AWS keys;
the points of the present order have not been run yet.

${table(
  ['interrupted', 'by', 'last record of the journal'],
  interruptions.map(({ what, at: record, signal }) => [what, signal, record]),
)}

${interruptions.length} points: ${interruptions.length - lost} resumed, 0 rolled back, ${lost} lost${reasons.length === 0 ? '' : `: ${reasons.join('; ')}`}.
`;
}

interface Fuzzing {
  readonly cases: number;
  readonly uniqueInputs: number;
  readonly untyped: number;
  readonly slowestMs: number;
  readonly peakMemoryMiB: number;
  readonly refused: Readonly<Record<string, number>>;
}

function describeFuzzing({ cases, uniqueInputs, untyped, slowestMs, peakMemoryMiB, refused }: Fuzzing): string {
  const rows = Object.entries(refused).map(([code, times]) => [`\`${code}\``, times] as const);
  return `
In the last run: ${cases} cases, ${uniqueInputs} of them different; ${untyped} untyped errors; the slowest took ${Math.round(slowestMs)} ms of
CPU time, measured block by block; peak memory ${peakMemoryMiB} MiB, uncollected garbage included. Refused, by code:

${table(['code', 'times'], rows)}
`;
}

/** One row for each point, and how many ended where. */
function interruptionTable(
  reports: readonly InterruptionReport[],
  ...further: readonly (readonly [title: string, cell: (report: InterruptionReport) => string])[]
): string {
  const rows = reports.map((report) => {
    const { at: record, line, delayMs, ended } = report;
    return [record, ...further.map(([, cell]) => cell(report)), line, `${delayMs} ms`, words[ended]];
  });
  const count = (ended: InterruptionReport['ended']): number =>
    reports.filter((report) => report.ended === ended).length;
  return `${table(['interrupted at', ...further.map(([title]) => title), 'journal line', 'delay', 'ended'], rows)}

${reports.length} points: ${count('resumed')} resumed, ${count('rolledBack')} rolled back, ${count('lost')} lost.`;
}

const words = { resumed: 'resumed', rolledBack: 'rolled back', lost: '**lost**' } as const;
const sections = [
  section(
    '## Interrupted at every write',
    'npm run test:crash',
    await readReport<readonly CrashPoints[]>('crash-files'),
    (
      files,
    ) => `\`npm run test:crash\`, part of \`npm test\`. Each set of steps runs once for each of its writes (to a file, the journal, a service or an
object of the cluster), and that write fails in each of these ways. Each interrupted run is resumed once and rolled back once. A resumed
run must end like an undisturbed one: bytes, modes, owners, links and objects; random content (keys, serial numbers) must be equivalent.
After a rollback, everything must be as before the run.

${endingsBy(files, 'kind', 'failure')}

${endingsBy(files, 'subject', 'steps')}

A kill proves the order of writes. A power loss proves that they are on the disk: \`test/power-loss.test.ts\` keeps the state of an ext4 disk
at lines 1, 3, 6, 10, 14 and 18 of the journal, mounts it, and rolls back or resumes from there.`,
  ),
  section(
    '## Interrupted on real clusters',
    'npm run test:e2e:crash',
    await readReport<readonly InterruptionReport[]>('crash-clusters'),
    (
      reports,
    ) => `\`npm run test:e2e:crash\`; six of its points are among the end-to-end tests. One kubeadm cluster with expired certificates whose machine
has restarted, broken again for each point. Afterwards the API server must be stable, the node Ready, old and new workloads running, a
second \`recover\` must find nothing to do, and no temporary file may remain.

${interruptionTable(reports, ['by', ({ signal }) => signal])}`,
  ),
  section(
    '### On Kubernetes 1.37',
    'npm run test:e2e:crash -- 16 1.37',
    await readReport<readonly InterruptionReport[]>('crash-clusters-1.37'),
    (reports) => `\`npm run test:e2e:crash -- 16 1.37\`. The same on Kubernetes 1.37.

${interruptionTable(reports, ['by', ({ signal }) => signal])}`,
  ),
  section(
    '### While the control plane serves',
    'npm run test:e2e:crash:running',
    await readReport<readonly InterruptionReport[]>('crash-running-1.37'),
    (
      reports,
    ) => `\`npm run test:e2e:crash:running\`, on Kubernetes 1.37. A healthy kubeadm cluster; each component has a file that is newer than its process, so
that \`recover\` restarts all four and replaces them by [a restart of the kubelet](adr/0025-a-kubelet-restart-replaces-static-pods.md). Afterwards
as above; the workloads run on meanwhile.

${interruptionTable(reports, ['by', ({ signal }) => signal])}`,
  ),
  section(
    '### The self-hosted incident',
    'npm run test:e2e:crash:saturday',
    await readReport<Saturday>('crash-saturday'),
    describeSaturday,
  ),
  section(
    '### Power loss of a real cluster',
    'npm run test:e2e:crash:power',
    await readReport<readonly InterruptionReport[]>('crash-power'),
    (
      reports,
    ) => `\`npm run test:e2e:crash:power\`. The kubeadm cluster with \`/etc/kubernetes\`, \`/var/lib/kubelet\`, \`/var/lib/kube-rescue\` and etcd's data on a
disk of their own, which is shut down under the running machine as ext4's own tests do it: no unflushed write reaches it. A file without
fsync must be lost each time. The machine restarts from the state of the disk. Afterwards as above.

${interruptionTable(reports)}`,
  ),
  `### etcd itself

\`packages/recovery/src/etcd-outage.test.ts\` kills a real etcd after 1, 60, 130 and 199 of the 200 Secrets that a run changes in it, and
restarts it: each Secret is written exactly once. If etcd is not back in time, the run prints the rollback command, which works.
`,
  section(
    '## Bugs that the tests find',
    'npm run test:mutants',
    await readReport<Mutants>('mutants'),
    ({
      mutants,
      survivors,
    }) => `\`npm run test:mutants\` plants each of these bugs in a copy of the engine and runs its tests. ${mutants.length} were planted,
${mutants.length - survivors.length} were found${survivors.length === 0 ? '' : `; not found: ${survivors.join(', ')}`}.

${mutants.map(({ name, file }) => `- \`${file}\`: ${name}`).join('\n')}`,
  ),
  section(
    '## Hostile input',
    'npm run fuzz -- --json',
    await readReport<Fuzzing>('fuzz'),
    (
      report,
    ) => `\`npm run fuzz -- --cases N\` feeds every parser; only typed errors, in bounded time and memory, are allowed. Bytes are changed,
values are replaced by values of another kind and nested up to thirty thousand levels, and objects get ten thousand names.
${describeFuzzing(report)}
In addition, with real files and processes: links, hard links, FIFOs, devices and sparse files of 1 TiB where files are expected
(\`packages/host/src/planted-names.test.ts\`); terminal escape sequences in names, through fifteen commands
(\`test/hostile-names.test.ts\`); damaged nodes (\`test/bad-input.test.ts\`).`,
  ),
  `## Track record

Defects that were found and fixed, and the test that holds each. The command runs the test; with the fix undone it fails.

${trackRecord.trim()}
`,
];

const document = `# Reliability

What was tested, how often, and with which result. \`npm run docs:reliability\` writes this page from the reports of the last runs; no
number is typed by hand.

The promise: after an interruption at any instant, the cluster is unchanged, or as planned, or \`recover --resume\` and \`rollback\` lead to
one of the two; the exit code states which. A point that ends otherwise is *lost*. One is too many: every command below exits 1 then.

${sections.join('\n')}
## Other writers

\`test/other-writers.test.ts\`: a plan is refused when a file has changed since; a rollback leaves and reports the changes of others, field
by field; a second kube-rescue is refused with the name of the first.

## Secrets

\`test/no-leak.test.ts\` and \`test/no-leak-cluster.test.ts\` search the outputs, journals, plans and reports of whole recoveries, and the
arguments and environments of every process meanwhile, for each private key, token and AWS secret: as text, as DER, in hexadecimal, and
in base64 at every offset.
`;
await writeFile(at('docs/reliability.md'), document);
