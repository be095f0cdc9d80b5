import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { CrashPoints } from '@kube-rescue/testing';
import type { InterruptionReport } from './cluster-crash.ts';
import { sumOf } from './endings.ts';
import type { Cut } from './saturday-moments.ts';

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

async function readReport<T>(name: string, command: string): Promise<T> {
  try {
    return JSON.parse(await readFile(at(`test-results/${name}.json`), 'utf8')) as T;
  } catch (cause) {
    throw new Error(`there is no report ${name}; run first: ${command}`, { cause });
  }
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

const files = await readReport<readonly CrashPoints[]>('crash-files', 'npm run test:crash');
const clusters = await readReport<readonly InterruptionReport[]>('crash-clusters', 'npm run test:e2e:crash');
const saturday = await readReport<Saturday>('crash-saturday', 'npm run test:e2e:crash:saturday').catch(() => undefined);
const power = await readReport<readonly InterruptionReport[]>('crash-power', 'npm run test:e2e:crash:power');
const mutants = await readReport<{
  readonly mutants: readonly { readonly name: string; readonly file: string }[];
  readonly survivors: readonly string[];
}>('mutants', 'npm run test:mutants');
const fuzzing = await readReport<Fuzzing>('fuzz', 'npm run fuzz -- --json').catch(() => undefined);

interface Saturday {
  readonly cuts: readonly Cut[];
  readonly reasons: readonly string[];
}

/** It takes the longest of all, so that its report may not be there. */
function describeSaturday(report: Saturday | undefined): string {
  if (report === undefined) return '';
  const { cuts, reasons } = report;
  const lost = reasons.length === 0 ? 0 : cuts.length;
  return `### The self-hosted incident

\`npm run test:e2e:crash:saturday\`. One recovery, through etcd, of a control plane whose API server lives on by a pod checkpointer, with
a worker that is brought back over SSH; cut off again and again, each time further on, and gone on with each time. Afterwards the API
server must last for three minutes, both nodes, every workload and the shop must be at work, the expired CA must be nowhere, no rescue
pod and no temporary file may be left, and a further plan must find nothing to do but what AWS keys are needed for.

${table(
  ['cut off', 'by', 'last record of the journal'],
  cuts.map(({ what, at: place, signal }) => [what, signal, place]),
)}

${cuts.length} points: ${cuts.length - lost} gone on with, 0 taken back, ${lost} lost${reasons.length === 0 ? '' : `: ${reasons.join('; ')}`}.
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

/** Fuzzing goes on for as long as one lets it, so that its report may not be there. */
function describeFuzzing(report: Fuzzing | undefined): string {
  if (report === undefined) return '';
  const { cases, uniqueInputs, untyped, slowestMs, peakMemoryMiB, refused } = report;
  const rows = Object.entries(refused).map(([code, times]) => [`\`${code}\``, times] as const);
  return `
In the last run: ${cases} cases, ${uniqueInputs} of them different; ${untyped} untyped errors; the slowest took ${Math.round(slowestMs)} ms of
processor time, watched block by block; peak memory ${peakMemoryMiB} MiB, with what was not collected yet. Refused, by code:

${table(['code', 'times'], rows)}
`;
}

/** One row for each point, and how many ended where. */
function cutOffTable(
  reports: readonly InterruptionReport[],
  ...further: readonly (readonly [title: string, cell: (report: InterruptionReport) => string])[]
): string {
  const rows = reports.map((report) => {
    const { at: place, line, delayMs, ended } = report;
    return [place, ...further.map(([, cell]) => cell(report)), line, `${delayMs} ms`, words[ended]];
  });
  const count = (ended: InterruptionReport['ended']): number =>
    reports.filter((report) => report.ended === ended).length;
  return `${table(['cut off at', ...further.map(([title]) => title), 'journal line', 'delay', 'ended'], rows)}

${reports.length} points: ${count('resumed')} gone on with, ${count('rolledBack')} taken back, ${count('lost')} lost.`;
}

const words = { resumed: 'gone on with', rolledBack: 'taken back', lost: '**lost**' } as const;
const document = `# Reliability

What was tried, how often, and how it ended. The tables are written by \`npm run docs:reliability\` from the reports of the last runs;
nobody types a number here.

The promise: whatever happens, at any instant, the cluster is as it was, or as planned, or \`recover --resume\` and \`rollback\` lead to
one of the two; and the exit code says which. A point that ends otherwise is *lost*. One is too many: every command below exits 1 then.

## Cut off at every write

\`npm run test:crash\`, part of \`npm test\`. Each set of steps is carried out once for every write it makes (to a file, the journal, a
service or an object of the cluster; none is left out), and that write goes wrong in each of these ways. After a kill the run is once
gone on with and once taken back. Gone on with, the result must be that of an undisturbed run: bytes, modes, owners, links and
objects; what is made of random numbers must say the same. Taken back, everything must be as it was.

${endingsBy(files, 'kind', 'what went wrong')}

${endingsBy(files, 'subject', 'what was at work')}

A kill in memory proves the order of writes; that they are on the disk is proven by cutting the power: \`test/power-loss.test.ts\` keeps
what an ext4 disk itself has got at lines 1, 3, 6, 10, 14 and 18 of the journal, mounts that, and takes it back or goes on from there.

## Cut off on real clusters

\`npm run test:e2e:crash\`; six points of it are among the end-to-end tests. One kubeadm cluster whose certificates have expired and
whose machine has restarted, broken anew for each point. Afterwards the API server must be stable, the node Ready, old and new workloads
at work, a second \`recover\` must find nothing to do, and no temporary file may be left.

${cutOffTable(clusters, ['by', ({ signal }) => signal])}

${describeSaturday(saturday)}
### The power of a real cluster

\`npm run test:e2e:crash:power\`. The kubeadm cluster with \`/etc/kubernetes\`, \`/var/lib/kubelet\`, \`/var/lib/kube-rescue\` and etcd's data on a
disk of their own, which is shut down under the running machine as ext4's own tests do it: nothing that waits in memory reaches it. A
file that nobody flushed must be lost each time. The machine starts again from what the disk has got. Afterwards as above.

${cutOffTable(power)}

### etcd itself

\`packages/recovery/src/etcd-outage.test.ts\` kills a real etcd after 1, 60, 130 and 199 of 200 Secrets that a run changes in it, and starts it
again: each Secret is written exactly once. Where etcd does not come back in time, the run says how to take it back, and that does.

## Mistakes that the tests find

\`npm run test:mutants\` plants each of these mistakes in a copy of the engine and runs its tests. ${mutants.mutants.length} were planted,
${mutants.mutants.length - mutants.survivors.length} were found${mutants.survivors.length === 0 ? '' : `; not found: ${mutants.survivors.join(', ')}`}.

${mutants.mutants.map(({ name, file }) => `- \`${file}\`: ${name}`).join('\n')}

## Hostile input

\`npm run fuzz -- --cases N\` feeds everything that parses; only typed errors, in bounded time and memory, may come of it.
Bytes are changed, values swapped for those of another kind, nested up to thirty thousand levels, names given by the ten thousand.
${describeFuzzing(fuzzing)}
Beside it, with real files and processes: links, hard links, FIFOs, devices and sparse files of 1 TiB where files are expected
(\`packages/host/src/planted-names.test.ts\`); terminal escape sequences in names, through fifteen commands
(\`test/hostile-names.test.ts\`); damaged nodes (\`test/bad-input.test.ts\`).

## Others at work

\`test/other-writers.test.ts\`: a plan that was read is refused when a file has changed since; a rollback leaves what others wrote, field
by field, and names it; a second kube-rescue is refused and told who the first is.

## Secrets

\`test/no-leak.test.ts\` and \`test/no-leak-cluster.test.ts\` search the outputs, journals, plans and reports of whole recoveries, and the
arguments and environments of every process meanwhile, for each private key, token and AWS secret: as it is, as DER, in hexadecimal,
and in base64 wherever it begins.
`;
await writeFile(at('docs/reliability.md'), document);
