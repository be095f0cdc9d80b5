import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type AttackedNode, startAttackedNode, USER } from './attacked-node.fixture.ts';

/** What root or an installer did wrong on the node, so that the user can write; then the path that the refusal names. */
const OPENINGS: readonly (readonly [what: string, line: string, named: string])[] = [
  ['the directory of Kubernetes', 'chmod 777 /etc/kubernetes', '/etc/kubernetes'],
  ['the directory of certificates', 'chmod 777 /etc/kubernetes/pki', '/etc/kubernetes/pki'],
  ['the directory of static pods', 'chmod 777 /etc/kubernetes/manifests', '/etc/kubernetes/manifests'],
  ['a certificate authority', `chown ${USER} /etc/kubernetes/pki/ca.crt`, '/etc/kubernetes/pki/ca.crt'],
  ['a CA key', 'chmod 666 /etc/kubernetes/pki/ca.key', '/etc/kubernetes/pki/ca.key'],
  ['a certificate', `chown ${USER} /etc/kubernetes/pki/apiserver.crt`, '/etc/kubernetes/pki/apiserver.crt'],
  ['a kubeconfig', 'chmod 666 /etc/kubernetes/admin.conf', '/etc/kubernetes/admin.conf'],
  [
    'a kubeconfig behind a link into the home of the user',
    'cp /etc/kubernetes/admin.conf "$HOME_OF_USER/a.conf"; chown 60001 "$HOME_OF_USER/a.conf"; ln -sf "$HOME_OF_USER/a.conf" /etc/kubernetes/admin.conf',
    '/etc/kubernetes/admin.conf',
  ],
  ['a static pod', 'chmod 666 /etc/kubernetes/manifests/etcd.yaml', '/etc/kubernetes/manifests/etcd.yaml'],
  ['the directory of the kubelet', 'chmod 777 /var/lib/kubelet', '/var/lib/kubelet'],
  ['the configuration of the kubelet', `chown ${USER} /var/lib/kubelet/config.yaml`, '/var/lib/kubelet/config.yaml'],
  [
    'the flags that kubeadm wrote',
    'echo "KUBELET_KUBEADM_ARGS=--cert-dir=$HOME_OF_USER" >/var/lib/kubelet/kubeadm-flags.env; chmod 666 /var/lib/kubelet/kubeadm-flags.env',
    '/var/lib/kubelet/kubeadm-flags.env',
  ],
  [
    'the flags of the operator',
    'echo "KUBELET_EXTRA_ARGS=--cert-dir=$HOME_OF_USER" >/etc/default/kubelet; chmod 664 /etc/default/kubelet',
    '/etc/default/kubelet',
  ],
  [
    'the unit of the kubelet',
    'mkdir -p /etc/systemd/system; printf "[Service]\\nExecStart=/usr/bin/kubelet --cert-dir=$HOME_OF_USER\\n" >/etc/systemd/system/kubelet.service; chown 60001 /etc/systemd/system/kubelet.service',
    '/etc/systemd/system/kubelet.service',
  ],
  [
    'the drop-ins of the kubelet',
    'mkdir -m 777 -p /etc/systemd/system/kubelet.service.d',
    '/etc/systemd/system/kubelet.service.d',
  ],
  [
    'the kubeconfig of the kubelet in a world-writable directory',
    'd=$(mktemp -d); chmod 755 $d; cp /etc/kubernetes/kubelet.conf $d/; echo "KUBELET_EXTRA_ARGS=--kubeconfig=$d/kubelet.conf" >/etc/default/kubelet',
    '/tmp',
  ],
  ['a directory above all of them', 'chmod 777 /var/lib', '/var/lib'],
];

describe('a user who can write what root reads', () => {
  let node: AttackedNode;
  beforeEach(async () => {
    node = await startAttackedNode();
  });
  afterEach(() => node?.remove());

  it.each(OPENINGS)('%s: it is named, and nothing is renewed from it', async (_, line, named) => {
    const opened = await node.asRoot(`export HOME_OF_USER='${node.home}'; ${line}`);
    expect(opened).toMatchObject({ exitCode: 0, stderr: '' });
    const trees = ['/etc/kubernetes', '/var/lib/kubelet', node.home];
    const before = await Promise.all(trees.map((tree) => node.snapshot(tree)));
    const { exitCode, stdout, stderr } = await node.rescue('certs', 'renew', '--yes', '--json');
    expect([3, 4], `${stdout}\n${stderr}`).toContain(exitCode);
    expect(stdout).toContain('not trusted');
    expect(stdout).toContain(named);
    expect(stdout).toMatch(/chmod go-w|chown -h root:|move it to a directory that only root can write/);
    expect(await Promise.all(trees.map((tree) => node.snapshot(tree)))).toEqual(before);
  });

  it('runs no program as root through --service-command', async () => {
    const program = `${node.home}/manager`;
    await node.asUser('printf "#!/bin/sh\\ntouch $PWD/ran\\nexit 0\\n" >manager && chmod 755 manager');
    const { exitCode, stdout } = await node.rescue('triage', '--service-command', program, '--json');
    expect(exitCode, stdout).toBe(4);
    expect(stdout).toContain('SOURCE_UNTRUSTED');
    expect((await node.asRoot(`ls '${node.home}'`)).stdout.split('\n')).not.toContain('ran');
    await node.asRoot(`cp '${program}' '${node.home}/../manager' && chown root '${node.home}/../manager'`);
    expect((await node.rescue('triage', '--service-command', `${node.home}/../manager`, '--json')).exitCode).toBe(3);
  });

  it('learns nothing with servers of its own on the ports of the control plane', async () => {
    const server = `
      const { createServer } = require('node:http'), fs = require('node:fs');
      for (const port of [2379, 2380, 6443, 10250, 10257, 10259]) {
        const server = createServer((request, response) => {
          fs.appendFileSync('heard', JSON.stringify(request.headers) + request.url + '\\n');
          response.end('ok');
        });
        server.on('clientError', (error) => fs.appendFileSync('heard', String(error.rawPacket ?? '')));
        server.listen(port, '::', () => fs.appendFileSync('listening', 'x'));
      }`;
    node.start('exec "$1" -e "$2"', process.execPath, server);
    await vi.waitFor(async () => expect((await node.asUser('cat listening')).stdout).toHaveLength(6), {
      timeout: 30_000,
    });
    for (const line of ['triage', 'etcd status', 'recover --dry-run']) {
      const { exitCode, stdout } = await node.rescue(...line.split(' '), '--json');
      expect([3, 4], `${line}\n${stdout}`).toContain(exitCode);
    }
    const heard = (await node.asUser('cat heard 2>/dev/null || true')).stdout;
    expect(heard).not.toMatch(/authorization|bearer|PRIVATE KEY|password/i);
  });

  it('is shut out by the printed correction', async () => {
    await node.asRoot('chmod 777 /etc/kubernetes/pki');
    const refused = await node.rescue('certs', 'renew', 'admin.conf', '--yes', '--json');
    expect(refused.stdout).toContain('chmod go-w /etc/kubernetes/pki');
    await node.asRoot('chmod go-w /etc/kubernetes/pki');
    expect(await node.rescue('certs', 'renew', 'admin.conf', '--yes', '--json')).toMatchObject({ exitCode: 0 });
  });
});
