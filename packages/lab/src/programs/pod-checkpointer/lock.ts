import { spawn } from 'node:child_process';
import { mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';

const LOCK_MODE = 0o600;

/**
 * Waits for the lock, and holds it until this process ends.
 *
 * flock(1) locks the open file that it is handed; the lock belongs to that, so it outlives the helper.
 */
export async function acquireLock(path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(path, 'a', LOCK_MODE);
  const helper = spawn('flock', ['--exclusive', '3'], { stdio: ['ignore', 'inherit', 'inherit', file] });
  // Whoever waits for the lock must not go on waiting for a process that is gone.
  process.once('exit', () => helper.kill('SIGKILL'));
  await new Promise<void>((resolve, reject) => {
    helper.once('error', reject);
    helper.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`flock ended with status ${code}`))));
  });
}
