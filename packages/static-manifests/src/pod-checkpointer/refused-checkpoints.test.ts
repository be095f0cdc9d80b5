import { createFakeHost, treeOf } from '@kube-rescue/testing';
import { readKubeletConfiguration } from '@kube-rescue/node-config';
import { describe, expect, it } from 'vitest';
import { apiManifest, createCheckpointNode, DIRECTORY, INACTIVE } from './checkpoint-node.fixture.ts';
import { readCheckpoints } from './checkpoint-reading.ts';
import { findRefusedCheckpoints } from './refused-checkpoints.ts';

type Selector = Readonly<Record<string, unknown>> | null;

/** The refusals for an API server's checkpoint with this selector, on a node with this kubelet command line in systemd. */
async function refusalsFor(nodeSelector: Selector, command: string | undefined) {
  const name = 'kube-system-kube-apiserver-2rdtv.json';
  const manifest = apiManifest((pod) => ({ ...pod, spec: { ...(pod.spec as object), nodeSelector } }));
  const { host } = await createCheckpointNode({ files: { [`${INACTIVE}/${name}`]: manifest } });
  const unit = { '/etc/systemd/system/kubelet.service': `[Service]\nExecStart=/usr/bin/kubelet ${command ?? ''}\n` };
  const machine = createFakeHost({ tree: treeOf(command === undefined ? {} : unit) });
  const kubelet = await readKubeletConfiguration({ host: machine });
  return findRefusedCheckpoints(await readCheckpoints({ directory: DIRECTORY }, { host }), kubelet);
}

const MASTER = 'node-role.kubernetes.io/master';

describe('a checkpoint that selects its node by a label', () => {
  it('is rejected by a kubelet without an API server that does not set the label, and the hint is given', async () => {
    const [refusal, ...others] = await refusalsFor({ [MASTER]: '' }, '--node-ip=10.0.0.1');
    expect(others).toEqual([]);
    expect(refusal).toMatchObject({
      code: 'CHECKPOINT_REFUSED',
      subject: `${INACTIVE}/kube-system-kube-apiserver-2rdtv.json`,
      message: expect.stringContaining(MASTER),
      hint: expect.stringContaining('--node-labels'),
    });
    expect(refusal?.hint).toContain('node.kubernetes.io/master');
  });

  it.each<[string, Selector, string]>([
    ['it has another value', { zone: 'a' }, '--node-labels=zone=b'],
    ['one of two is not set', { zone: 'a', rack: '1' }, '--node-labels=zone=a'],
    ['its value is empty and the wanted one is not', { zone: 'a' }, '--node-labels=zone'],
  ])('is refused when %s', async (_, selector, command) => {
    expect(await refusalsFor(selector, command)).toHaveLength(1);
  });

  it.each<[string, Selector, string | undefined]>([
    ['the kubelet sets it', { [MASTER]: '' }, `--node-labels=zone=a,${MASTER}`],
    [
      'the kubelet sets it in another of two flags',
      { zone: 'a', [MASTER]: '' },
      `--node-labels=zone=a --node-labels ${MASTER}=`,
    ],
    ['every kubelet sets it', { 'kubernetes.io/os': 'linux', 'kubernetes.io/hostname': 'cp1' }, '--v=2'],
    ['its cloud sets it', { 'topology.kubernetes.io/zone': 'eu-1a' }, '--v=2'],
    ['it selects nothing', null, '--v=2'],
    ['it is not known how the kubelet is started', { [MASTER]: '' }, undefined],
    ['a shell computes what the kubelet sets', { [MASTER]: '' }, '--node-labels=$(cat /etc/labels)'],
  ])('is not spoken of when %s', async (_, selector, command) => {
    expect(await refusalsFor(selector, command)).toEqual([]);
  });
});
