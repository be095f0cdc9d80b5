import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLocalHost, hostPath, systemClock } from '@kube-rescue/host';
import { type LabDeps, provideKubernetesBinaries, SELF_HOSTED_SCENARIOS } from '@kube-rescue/lab';
import { locateBinaries } from '../../apps/drill/src/wiring.ts';
import { findSaturdayWork, goOn } from './saturday-recovery.ts';
import { type Cut, SATURDAY_MOMENTS } from './saturday-moments.ts';

// One recovery that is cut off again and again, each time further on, and gone on with each time.

const REPORT = fileURLToPath(new URL('../../test-results/crash-saturday.json', import.meta.url));
const FEWEST_CUTS = 15;
/** Done, and done but for the AWS keys of the ingress, which nobody gives it here. */
const GOOD_ENDS = [0, 3];

const host = createLocalHost();
const deps: LabDeps = {
  host,
  clock: systemClock,
  onProgress: ({ message }) => process.stderr.write(`   ${message}\n`),
};
const { directory } = await provideKubernetesBinaries(locateBinaries(process.env), deps);
const scenario = SELF_HOSTED_SCENARIOS.saturday;
const cluster = await scenario.createCluster({ binaries: hostPath(directory), ownerPid: process.pid }, deps);
const cuts: Cut[] = [];
const reasons: string[] = [];
const started = performance.now();
try {
  const since = systemClock.now();
  await scenario.breakCluster(cluster, deps);
  let moments = SATURDAY_MOMENTS;
  for (;;) {
    const { cut, exitCode } = await goOn(cluster, moments, cuts.length > 0);
    if (cut === undefined) {
      if (exitCode === null || !GOOD_ENDS.includes(exitCode)) reasons.push(`recover --resume ended with ${exitCode}`);
      break;
    }
    cuts.push(cut);
    process.stdout.write(`${cut.signal} ${cut.what} (${cut.at})\n`);
    moments = moments.slice(moments.findIndex(({ what }) => what === cut.what) + 1);
  }
  for (const { ok, name, detail } of await scenario.proveLife(cluster, { since }, deps)) {
    if (!ok) reasons.push(`${name}: ${detail}`);
  }
  for (const { node } of cluster.nodes) {
    const left = await readdir(path.join(node.directory, 'files'), { recursive: true });
    const ours = left.filter((name) => /\.kube-rescue\.tmp$|kube-rescue\/runs\/[^/]+\/reserve$/.test(name));
    reasons.push(...ours.map((name) => `left over on ${node.name}: ${name}`));
  }
  reasons.push(...(await findSaturdayWork(cluster)).map((step) => `still to be done: ${step}`));
  if (cuts.length < FEWEST_CUTS) reasons.push(`it was interrupted ${cuts.length} times only`);
} finally {
  await cluster.remove();
}
const seconds = Math.round((performance.now() - started) / 1000);
await mkdir(path.dirname(REPORT), { recursive: true });
await writeFile(REPORT, `${JSON.stringify({ cuts, reasons, seconds }, null, 2)}\n`);
for (const reason of reasons) process.stdout.write(`LOST: ${reason}\n`);
const lost = reasons.length > 0 ? cuts.length : 0;
process.stdout.write(
  `saturday: ${cuts.length} points: ${cuts.length - lost} resumed, 0 rolled back, ${lost} lost (${seconds} s)\n`,
);
process.exitCode = reasons.length === 0 ? 0 : 1;
