import { accessSync, constants } from 'node:fs';
import path from 'node:path';

/** Debian packages of the programs that tests run. */
const PACKAGES: Readonly<Record<string, string>> = {
  etcd: 'etcd-server',
  etcdctl: 'etcd-client',
  go: 'golang-go',
  knotd: 'knot',
  ssh: 'openssh-client',
  systemctl: 'systemd',
  setfacl: 'acl',
  setfattr: 'attr',
  sshd: 'openssh-server',
};

/**
 * Whether all `programs` are installed, for `describe.skipIf(!requireProgram('etcd'))`.
 *
 * Prints how to install missing programs. In CI it throws instead, because a skipped test proves nothing.
 */
export function requireProgram(...programs: readonly string[]): boolean {
  const missing = programs.filter((program) => !isInstalled(program));
  if (missing.length === 0) return true;
  const packages = missing.map((program) => PACKAGES[program] ?? program).join(' ');
  const message = `not installed: ${missing.join(', ')}; install with: apt-get install -y ${packages}`;
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
