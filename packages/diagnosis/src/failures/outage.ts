import { findComponent } from '@kube-rescue/node-config';
import type { Node, NodeDescription } from '@kube-rescue/node';
import type { Finding } from '../cause.ts';
import { type ComponentState, isDown, nameOf } from '../component-state.ts';
import { findFullDisks } from '../disk-space.ts';
import { findKubeletFailure } from '../kubelet/kubelet-failure.ts';
import { type Failure, findDoubt, judgeExcerpt } from './failure.ts';
import { findPodFailure } from './pod-failures.ts';
import { readServiceLog } from './service-log.ts';

/** Why components are down, apart from certificates. */
export interface Outage {
  readonly findings: readonly Finding[];
  /** The last lines of components whose reason is not known, by the component's name. */
  readonly lastLines: ReadonlyMap<string, readonly string[]>;
}

/**
 * Why components of this node are down, apart from certificates: full disks, the kubelet, and what the logs of static pods and of an
 * etcd service say at their end. Reads nothing for a component that runs.
 *
 * @param components their states; none on a copy, whose kubelet alone is judged then
 */
export async function findOutage(
  description: NodeDescription,
  components: readonly ComponentState[],
  { host }: Pick<Node, 'host'>,
): Promise<Outage> {
  const down = new Map(components.filter(isDown).map((each) => [each.name, each]));
  const disks = down.size === 0 ? [] : await findFullDisks(description, { host });
  const kubelet = await findKubeletFailure(description, { host });
  const failures = await Promise.all([
    ...description.staticPods.pods.map(async (pod): Promise<readonly [string, Failure | undefined]> => {
      const name = nameOf(pod.manifest.path, description) ?? pod.component;
      const row = down.get(name);
      const failure = row && (await findPodFailure(pod, { isRunning: row.state === 'running' }, { host }));
      return [name, failure];
    }),
    readEtcdService(description, down, host),
  ]);
  const found = [...kubelet.findings, ...failures.flatMap(([, failure]) => failure?.finding ?? [])];
  return {
    findings: [...disks, ...found.filter(({ code }) => !disks.some((disk) => disk.code === code))],
    lastLines: new Map([
      ['kubelet', kubelet.evidence],
      ...failures.map(([name, failure]) => [name, failure?.evidence ?? []] as const),
    ]),
  };
}

async function readEtcdService(
  { etcdService, components }: NodeDescription,
  down: ReadonlyMap<string, ComponentState>,
  host: Node['host'],
): Promise<readonly [string, Failure | undefined]> {
  const component = findComponent(components, 'etcd');
  if (etcdService === undefined || component === undefined || !down.has('etcd')) return ['etcd', undefined];
  const log = await readServiceLog(etcdService.name, { host });
  if (log === undefined) return ['etcd', undefined];
  const { source, flags } = component;
  const program = { component: 'etcd', name: 'etcd', source, flags } as const;
  const doubt = await findDoubt(program, log, [source], { host });
  return ['etcd', judgeExcerpt(program, log, { ...doubt, isRestarted: false })];
}
