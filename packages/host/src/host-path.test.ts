import { describe, expect, it } from 'vitest';
import { HostError } from './errors.ts';
import { baseName, hostPath, joinPath, parentPath } from './host-path.ts';

describe('a path on a host', () => {
  it.each([
    ['/etc/kubernetes/', '/etc/kubernetes'],
    ['/etc//kubernetes/./pki', '/etc/kubernetes/pki'],
    ['/etc/kubernetes/../ssl', '/etc/ssl'],
    ['/../etc', '/etc'],
    ['/', '/'],
  ])('reads %s as %s', (text, normal) => {
    expect(hostPath(text)).toBe(normal);
  });

  it.each(['', 'etc/kubernetes', './x', '/etc/\0passwd'])('refuses %j', (text) => {
    expect(() => hostPath(text)).toThrow(HostError);
  });

  it('joins segments as a shell would', () => {
    const base = hostPath('/var/lib/kubelet');
    expect(joinPath(base, 'pki', 'current.pem')).toBe('/var/lib/kubelet/pki/current.pem');
    expect(joinPath(base, '/etc/ssl')).toBe('/etc/ssl');
    expect(parentPath(base)).toBe('/var/lib');
    expect(parentPath(hostPath('/'))).toBe('/');
    expect(baseName(base)).toBe('kubelet');
  });
});
