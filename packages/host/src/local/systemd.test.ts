import { requireProgram } from '@kube-rescue/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemdServices } from './local-services.ts';
import type { ServiceState } from '../host.ts';
import { type RealSystemd, startSystemd } from './systemd.fixture.ts';

const UNIT = '/etc/systemd/system/kubelet.service';
/** Like kubeadm's unit: it ends, and systemd restarts it again and again. */
const RESTARTED = 'Restart=always\nRestartSec=1';

describe.skipIf(!requireProgram('systemctl', 'unshare', 'nsenter'))('services of a real systemd', () => {
  let systemd: RealSystemd;
  beforeAll(async () => {
    systemd = await startSystemd();
  });
  afterAll(() => systemd?.remove());

  async function unit(service: string): Promise<void> {
    await systemd.write(UNIT, `[Service]\n${service}\n`);
    await systemd.exec(['systemctl', 'daemon-reload'], { timeoutMs: 10_000 });
  }

  async function reaches(expected: ServiceState): Promise<void> {
    const { status } = systemdServices(systemd.exec);
    await expect.poll(() => status('kubelet'), { timeout: 20_000 }).toBe(expected);
  }

  it('are started, stopped and restarted', async () => {
    const { act, status } = systemdServices(systemd.exec);
    await unit('ExecStart=/bin/sleep 600');
    expect(await status('kubelet')).toBe('stopped');
    await act('start', 'kubelet');
    expect(await status('kubelet')).toBe('running');
    const pid = async (): Promise<string> => {
      const argv = ['systemctl', 'show', '--property=MainPID', 'kubelet'] as const;
      return (await systemd.exec(argv, { timeoutMs: 10_000 })).stdout;
    };
    const first = await pid();
    await act('restart', 'kubelet');
    expect(await pid()).not.toBe(first);
    await act('stop', 'kubelet');
    expect(await status('kubelet')).toBe('stopped');
  });

  it('that exit at once are starting until they stay up, and can be stopped', async () => {
    const { act, status } = systemdServices(systemd.exec);
    await unit(`ExecStart=/bin/sh -c "test -e /run/good && exec sleep 600; exit 1"\n${RESTARTED}`);
    await act('start', 'kubelet');
    await reaches('starting');
    await systemd.write('/run/good', '');
    await reaches('running');
    await systemd.exec(['rm', '/run/good'], { timeoutMs: 10_000 });
    await systemd.exec(['systemctl', 'kill', 'kubelet'], { timeoutMs: 10_000 });
    await reaches('starting');
    await act('stop', 'kubelet');
    expect(await status('kubelet')).toBe('stopped');
  });

  it('that fail to start are distinguished from missing ones', async () => {
    const { act, status } = systemdServices(systemd.exec);
    await unit('Type=oneshot\nExecStart=/bin/false');
    await expect(act('start', 'kubelet')).rejects.toMatchObject({
      code: 'HOST_SERVICE_FAILED',
      message: expect.stringContaining('exit 1'),
    });
    expect(await status('kubelet')).toBe('stopped');
    expect(await status('kubelet-of-another-name')).toBe('unknown');
    await expect(act('start', 'kubelet-of-another-name')).rejects.toMatchObject({ code: 'HOST_SERVICE_UNKNOWN' });
  });
});
