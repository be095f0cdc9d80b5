import { isRecoveryError } from '@kube-rescue/errors';
import { type Host, hostPath } from '@kube-rescue/host';
import { describe, expect, it } from 'vitest';
import { expectCode } from '../laws/expect-code.ts';
import { createFakeHost } from './fake-host.ts';
import { SimulatedCrash, withFaults } from './faults.ts';
import { treeOf } from '../node/node-tree.ts';

const journal = hostPath('/var/journal');
const directory = hostPath('/etc/manifests');
const pod = hostPath('/etc/manifests/pod.yaml');

function machine(): Host {
  return createFakeHost({ tree: treeOf({ [journal]: 'one\n', [pod]: 'old' }), services: { kubelet: 'running' } });
}

async function textOf(host: Host, file = journal): Promise<string> {
  return Buffer.from((await host.readFile(file)) ?? []).toString();
}

function append(host: Host, text: string): Promise<void> {
  return host.appendFile(journal, Buffer.from(text), { mode: 0o600 });
}

describe('a machine with faults', () => {
  it('counts changes, not reads', async () => {
    const host = withFaults(machine());
    await append(host, 'two\n');
    await host.services.act('stop', 'kubelet');
    await host.services.status('kubelet');
    await textOf(host);
    expect(host.mutationCount).toBe(2);
  });

  it('fails once, then works again', async () => {
    const host = withFaults(machine(), { failAt: 2, error: 'HOST_NO_SPACE' });
    await append(host, 'two\n');
    await expectCode(append(host, 'three\n'), 'HOST_NO_SPACE');
    await append(host, 'four\n');
    expect(await textOf(host)).toBe('one\ntwo\nfour\n');
  });

  it('keeps failing once the disk is full', async () => {
    const host = withFaults(machine(), { failAt: 1, mode: 'fail-from', error: 'HOST_NO_SPACE' });
    await expectCode(append(host, 'two\n'), 'HOST_NO_SPACE');
    await expectCode(host.remove(journal), 'HOST_NO_SPACE');
    expect(await textOf(host)).toBe('one\n');
  });

  it('rejects every change after a crash, with an error that is not a RecoveryError', async () => {
    const host = withFaults(machine(), { failAt: 1, mode: 'killed-before' });
    const crash = await append(host, 'two\n').catch((error: unknown) => error);
    expect(crash).toBeInstanceOf(SimulatedCrash);
    expect(isRecoveryError(crash)).toBe(false);
    await expect(host.services.act('stop', 'kubelet')).rejects.toBeInstanceOf(SimulatedCrash);
    expect(await textOf(host)).toBe('one\n');
    expect(await host.services.status('kubelet')).toBe('running');
  });

  it('leaves half a record when the process is killed while appending', async () => {
    const host = withFaults(machine(), { failAt: 1, mode: 'torn' });
    await expect(append(host, '12345678')).rejects.toBeInstanceOf(SimulatedCrash);
    await expect(append(host, '9')).rejects.toBeInstanceOf(SimulatedCrash);
    expect(await textOf(host)).toBe('one\n1234');
  });

  it.each([
    [false, '/etc/manifests/.pod.yaml.kube-rescue.tmp'],
    [true, '/etc/.pod.yaml.kube-rescue.tmp'],
  ])('leaves a staged file when the process is killed while writing (watched: %s)', async (watched, staged) => {
    const host = withFaults(machine(), { failAt: 1, mode: 'torn' });
    const write = host.writeFile(pod, Buffer.from('new one!'), { mode: 0o600, watched });
    await expect(write).rejects.toBeInstanceOf(SimulatedCrash);
    expect(await textOf(host, pod)).toBe('old');
    expect(await textOf(host, hostPath(staged))).toBe('new ');
    expect(await host.list(directory)).toHaveLength(watched ? 1 : 2);
  });
});
