import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLocalHost, hostPath, systemClock } from '@kube-rescue/host';
import { KUBERNETES_RELEASES, type LabDeps, provideKubernetesBinaries, SELF_HOSTED_SCENARIOS } from '@kube-rescue/lab';
import { locateBinaries } from '../../apps/drill/src/wiring.ts';
import { findSaturdayWork, recoverUntil } from './saturday-recovery.ts';
import { listNodeFiles } from './node-files.ts';
import { type Interruption, SATURDAY_MOMENTS } from './saturday-moments.ts';

const RELEASE = KUBERNETES_RELEASES['1.20'];

// Interrupts one recovery repeatedly, each time later, and resumes it each time.

const REPORT = fileURLToPath(new URL('../../test-results/crash-saturday.json', import.meta.url));
const MIN_INTERRUPTIONS = 18;

const host = createLocalHost();
const deps: LabDeps = {
  host,
  clock: systemClock,
  onProgress: ({ message }) => process.stderr.write(`   ${message}\n`),
};
const { directory } = await provideKubernetesBinaries({ ...locateBinaries(process.env), release: RELEASE }, deps);
const scenario = SELF_HOSTED_SCENARIOS.saturday;
const cluster = await scenario.createCluster(
  { release: RELEASE, binaries: hostPath(directory), ownerPid: process.pid },
  deps,
);
const interruptions: Interruption[] = [];
const reasons: string[] = [];
const started = performance.now();
try {
  const since = systemClock.now();
  await scenario.breakCluster(cluster, deps);
  let moments = SATURDAY_MOMENTS;
  for (;;) {
    const { interruption, exitCode } = await recoverUntil(cluster, moments, interruptions.length > 0);
    if (interruption === undefined) {
      if (exitCode !== 0) reasons.push(`recover --resume ended with ${exitCode}`);
      break;
    }
    interruptions.push(interruption);
    process.stdout.write(`${interruption.signal} ${interruption.what} (${interruption.at})\
`);
    moments = moments.slice(moments.findIndex(({ what }) => what === interruption.what) + 1);
  }
  for (const { ok, name, detail } of await scenario.proveLife(cluster, { since }, deps)) {
    if (!ok) reasons.push(`${name}: ${detail}`);
  }
  for (const { node } of cluster.nodes) {
    const left = await listNodeFiles(node);
    const ours = left.filter((name) => /\.kube-rescue\.tmp$|kube-rescue\/runs\/[^/]+\/reserve$/.test(name));
    reasons.push(...ours.map((name) => `not removed on ${node.name}: ${name}`));
  }
  reasons.push(...(await findSaturdayWork(cluster)).map((step) => `still to be done: ${step}`));
  if (interruptions.length < MIN_INTERRUPTIONS) reasons.push(`it was interrupted ${interruptions.length} times only`);
} finally {
  await cluster.remove();
}
const seconds = Math.round((performance.now() - started) / 1000);
await mkdir(path.dirname(REPORT), { recursive: true });
await writeFile(REPORT, `${JSON.stringify({ interruptions, reasons, seconds }, null, 2)}\n`);
for (const reason of reasons) process.stdout.write(`LOST: ${reason}\n`);
const lost = reasons.length > 0 ? interruptions.length : 0;
process.stdout.write(
  `saturday: ${interruptions.length} points: ${interruptions.length - lost} resumed, 0 rolled back, ${lost} lost (${seconds} s)\n`,
);
process.exitCode = reasons.length === 0 ? 0 : 1;
