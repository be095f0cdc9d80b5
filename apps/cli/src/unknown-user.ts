import { homedir, userInfo } from 'node:os';

// Imported before everything else. A user whom /etc/passwd does not name, as in a chroot or a rescue system, has neither a home
// directory nor a shell; libraries ask for both, some of them while they are loaded, and Node then throws.
if (fails(homedir)) process.env['HOME'] = '/';
if (fails(userInfo)) process.env['SHELL'] ??= '/bin/sh';

function fails(ask: () => unknown): boolean {
  try {
    ask();
    return false;
  } catch {
    return true;
  }
}
