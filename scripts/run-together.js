// Runs the npm scripts that are named, as many at a time as there are cores, in this order; shows the output of those that fail.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** @param {string} name */
function run(name) {
  const child = spawn('npm', ['run', '-s', name], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ ok: false, output: error.message }));
    child.once('close', (status) => resolve({ ok: status === 0, output }));
  });
}

const waiting = process.argv.slice(2);
async function work() {
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    const { ok, output } = await run(name);
    if (ok) continue;
    process.exitCode = 1;
    console.error(`npm run ${name} failed:\n${output}`);
  }
}
await Promise.all(Array.from({ length: availableParallelism() }, work));
