#!/usr/bin/env node
// JavaScript that Node 12 can parse, before anything else is loaded: an old Node gets one clear line.
const [major, minor, patch] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && (minor < 22 || (minor === 22 && patch < 2)))) {
  process.stderr.write(
    `kube-rescue needs Node 22.22.2 or newer; this is Node ${process.versions.node} (${process.execPath})\n`,
  );
  process.exitCode = 2;
} else void start();

async function start() {
  // A node in trouble has other uses for its memory: half the peak of a sweep through thousands of objects, for 50 ms.
  const { setFlagsFromString } = await import('node:v8');
  setFlagsFromString('--optimize-for-size');
  await import('../dist/unknown-user.js');
  const { main } = await import('../dist/main.js');
  await main(process.argv);
}
