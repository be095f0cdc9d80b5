import { accessSync, constants } from 'node:fs';
import path from 'node:path';

/** Debian packages that bring the programs which tests run. */
const PACKAGES: Readonly<Record<string, string>> = {
  etcd: 'etcd-server',
  etcdctl: 'etcd-client',
  knotd: 'knot',
  ssh: 'openssh-client',
  systemctl: 'systemd',
  sshd: 'openssh-server',
};

/**
 * Tells whether every one of `programs` is installed, for `describe.skipIf(!requireProgram('etcd'))`.
 *
 * Where one is missing it says how to install it. A test that is skipped in silence proves nothing, so under `CI` it throws.
 */
export function requireProgram(...programs: readonly string[]): boolean {
  const missing = programs.filter((program) => !isInstalled(program));
  if (missing.length === 0) return true;
  const packages = missing.map((program) => PACKAGES[program] ?? program).join(' ');
  const message = `not installed: ${missing.join(', ')}; get it with: apt-get install -y ${packages}`;
  if (process.env['CI'] !== undefined) throw new Error(message);
  process.stderr.write(`SKIPPED: ${message}\n`);
  return false;
}

function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(path.delimiter).some((directory) => {
    try {
      accessSync(path.join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
