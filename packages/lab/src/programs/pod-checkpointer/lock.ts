import { spawn } from 'node:child_process';
import { mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';

const LOCK_MODE = 0o600;

/**
 * Waits for the lock, and holds it until this process ends.
 *
 * flock(1) locks the inherited open file; the lock belongs to the open file, so it outlives flock.
 */
export async function acquireLock(path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(path, 'a', LOCK_MODE);
  const flock = spawn('flock', ['--exclusive', '3'], { stdio: ['ignore', 'inherit', 'inherit', file] });
  // A waiting flock must not outlive this process.
  process.once('exit', () => flock.kill('SIGKILL'));
  await new Promise<void>((resolve, reject) => {
    flock.once('error', reject);
    flock.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`flock ended with status ${code}`))));
  });
}
