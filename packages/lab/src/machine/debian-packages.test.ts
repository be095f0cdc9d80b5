import { describe, expect, it } from 'vitest';
import { withoutInstalled } from './debian-packages.ts';

describe('the Debian packages of a lab', () => {
  it('are missing when dpkg does not list them, or lists only their configuration files', () => {
    const listing = 'runc installed\ncurl config-files\n';
    expect(withoutInstalled(['runc', 'curl', 'iptables'], listing)).toEqual(['curl', 'iptables']);
  });

  it('are complete when dpkg lists them all as installed', () => {
    expect(withoutInstalled(['runc'], 'runc installed\n')).toEqual([]);
  });
});
