import { hostPath } from '@kube-rescue/host';
import { createFakeHost, treeOf } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { findKubeconfigWriters } from './kubeconfig-writers.ts';

const UNIT = '/etc/systemd/system/kubelet.service';
const KUBECONFIG = hostPath('/etc/kubernetes/kubeconfig');
/** Only reads the kubeconfig. */
const DERIVE = `ExecStartPre=/usr/bin/bash -c "grep 'certificate-authority-data' /etc/kubernetes/kubeconfig | awk '{print $2}' | base64 -d > /etc/kubernetes/ca.crt"`;

async function find(files: Readonly<Record<string, string>>) {
  const host = createFakeHost({ tree: treeOf(files) });
  const writers = await findKubeconfigWriters({ kubeconfig: KUBECONFIG, service: 'kubelet' }, { host });
  return writers.map(({ when, file, line }) => `${when} ${file}:${line}`);
}

const unitOf = (...lines: readonly string[]): string =>
  [
    '[Unit]',
    'Description=kubelet',
    '[Service]',
    ...lines,
    'ExecStart=/usr/bin/kubelet --kubeconfig=/etc/kubernetes/kubeconfig',
  ].join('\n');

describe('a writer of the kubeconfig at the start of the kubelet', () => {
  it('is the S3 puller of Tectonic on AWS, by file and line', async () => {
    const pull = 'ExecStartPre=/opt/s3-puller.sh bucket/kubeconfig /etc/kubernetes/kubeconfig';
    expect(await find({ [UNIT]: unitOf(DERIVE, pull) })).toEqual([`service-start ${UNIT}:5`]);
  });

  it.each([
    'ExecStartPre=/usr/bin/curl -fo /etc/kubernetes/kubeconfig https://example.test/kubeconfig',
    'ExecStartPre=-/usr/bin/aws s3 cp s3://bucket/kubeconfig /etc/kubernetes/kubeconfig',
    'ExecStartPre=/bin/cp /opt/kubeconfig /etc/kubernetes/kubeconfig',
    'ExecStartPre=/bin/sh -c "curl https://example.test/kubeconfig > /etc/kubernetes/kubeconfig"',
    'ExecStartPre=/usr/bin/bash -c "until /opt/pull /etc/kubernetes/kubeconfig; do sleep 1; done"',
    'ExecStartPre=/usr/bin/sed -i s/a/b/ /etc/kubernetes/kubeconfig',
    'ExecStartPre=/opt/s3-puller.sh bucket/kubeconfig \\\n  /etc/kubernetes/kubeconfig',
  ])('is %s', async (line) => {
    expect(await find({ [UNIT]: unitOf(line) })).toEqual([`service-start ${UNIT}:4`]);
  });

  it.each([
    DERIVE,
    'ExecStartPre=/bin/cp /etc/kubernetes/kubeconfig /root/kubeconfig.bak',
    'ExecStartPre=/bin/chmod 600 /etc/kubernetes/kubeconfig',
    'ExecStartPre=/opt/pull /etc/kubernetes/kubeconfig.d/other',
    'ExecStartPre=/usr/bin/kubectl --kubeconfig=/etc/kubernetes/kubeconfig get nodes',
    '# ExecStartPre=/opt/s3-puller.sh bucket/kubeconfig /etc/kubernetes/kubeconfig',
  ])('is not %s', async (line) => {
    expect(await find({ [UNIT]: unitOf(line) })).toEqual([]);
  });

  it('may be in a drop-in, in the data of cloud-init or in Ignition, however long the line', async () => {
    const ignition = `{"files":[${'{},'.repeat(100_000)}{"path":"/etc/kubernetes/kubeconfig"}]}`;
    const files = {
      [UNIT]: unitOf(),
      '/etc/systemd/system/kubelet.service.d/10-pull.conf':
        '[Service]\nExecStartPre=/opt/pull /etc/kubernetes/kubeconfig\n',
      '/var/lib/cloud/instance/user-data.txt': '#cloud-config\nwrite_files:\n  - path: /etc/kubernetes/kubeconfig\n',
      '/usr/share/oem/config.ign': ignition,
    };
    expect(await find(files)).toEqual([
      'service-start /etc/systemd/system/kubelet.service.d/10-pull.conf:2',
      'boot /var/lib/cloud/instance/user-data.txt:3',
      'boot /usr/share/oem/config.ign:1',
    ]);
  });

  it('shows no secret of the line', async () => {
    const line =
      'ExecStartPre=/usr/bin/curl -H "Authorization: Bearer abcdefghijklmnop" -o /etc/kubernetes/kubeconfig x';
    const host = createFakeHost({ tree: treeOf({ [UNIT]: unitOf(line) }) });
    const [writer] = await findKubeconfigWriters({ kubeconfig: KUBECONFIG, service: 'kubelet.service' }, { host });
    expect(writer?.evidence).not.toContain('abcdefghijklmnop');
    expect(writer?.code).toBe('KUBECONFIG_OVERWRITTEN_AT_START');
  });
});
