import { type Host, hostPath } from '@kube-rescue/host';
import type { KubeletConfiguration, KubeletVersion } from '@kube-rescue/node-config';
import type { Finding } from '../cause.ts';
import type { LogExcerpt } from '../failures/log-excerpt.ts';

type Flags = KubeletConfiguration['component']['flags'];
type Reader = Pick<Host, 'readFile' | 'stat' | 'list'>;

/** The kubelet refuses cgroup v1 by default since then: Kubernetes, `pkg/kubelet/apis/config/v1beta1/defaults.go`. */
const CGROUP_V1_REFUSED_SINCE = 35;
/** Earlier kubelets pass over `failCgroupV1`. */
const SETTING_SINCE = 31;
/** Only cgroup v2 has it at the top: cgroups(7). */
const CGROUP_CONTROLLERS = hostPath('/sys/fs/cgroup/cgroup.controllers');
const CGROUPS = hostPath('/sys/fs/cgroup');
const SWAPS = hostPath('/proc/swaps');

/**
 * The machine uses cgroup v1, and this kubelet refuses it: by its version and `failCgroupV1` (Kubernetes,
 * `pkg/kubelet/apis/config/validation/validation_linux.go`), or by its own log.
 */
export async function findRefusedCgroups(
  flags: Flags,
  version: KubeletVersion | undefined,
  log: LogExcerpt | undefined,
  { host }: { readonly host: Reader },
): Promise<readonly Finding[]> {
  const isMounted = ((await host.list(CGROUPS)) ?? []).length > 0;
  if (!isMounted || (await host.stat(CGROUP_CONTROLLERS)) !== undefined) return [];
  const hasSetting = version === undefined || version.minor >= SETTING_SINCE;
  const setting = hasSetting ? flags.get('fail-cgroupv1') : undefined;
  const said = log?.lines.find((line) => line.includes('not run on a host using cgroup v1'));
  const isDefault = version !== undefined && version.minor >= CGROUP_V1_REFUSED_SINCE;
  if (said === undefined && (isFalse(setting) || (setting === undefined && !isDefault))) return [];
  return [
    {
      code: 'CGROUP_V1_REFUSED',
      summary: `the kubelet does not start: it refuses cgroup v1${version === undefined ? '' : `, as version ${version.text} does`}${setting === undefined && isDefault ? ' by default' : ''}`,
      evidence: [
        `${CGROUP_CONTROLLERS} does not exist: the machine uses cgroup v1`,
        `failCgroupV1: ${setting ?? 'not set'}`,
        ...(version === undefined ? [] : [`version ${version.text}: ${version.source}`]),
        ...(said === undefined ? [] : [said]),
      ],
      hint: 'switch the machine to cgroup v2: remove systemd.unified_cgroup_hierarchy=0 from the command line of the kernel, and restart it; until then set `failCgroupV1: false` in the configuration of the kubelet',
    },
  ];
}

/**
 * Swap is on, and the kubelet refuses to run with it: `failSwapOn` is true by default (Kubernetes,
 * `pkg/kubelet/apis/config/v1beta1/defaults.go`, `pkg/kubelet/cm/container_manager_linux.go`). `memorySwap` alone changes nothing:
 * it is for a kubelet that runs with swap.
 */
export async function findRefusedSwap(flags: Flags, { host }: { readonly host: Reader }): Promise<readonly Finding[]> {
  if (isFalse(flags.get('fail-swap-on'))) return [];
  const text = new TextDecoder().decode(await host.readFile(SWAPS));
  const [, ...devices] = text.trim().split('\n');
  if (devices.length === 0) return [];
  return [
    {
      code: 'SWAP_REFUSED',
      summary: 'the kubelet does not start: swap is on',
      evidence: [
        ...devices.map((line) => `${SWAPS}: ${line.trim().replaceAll(/\s+/g, ' ')}`),
        `failSwapOn: ${flags.get('fail-swap-on') ?? 'not set, true by default'}`,
      ],
      hint: 'turn swap off: `swapoff -a`, and remove it from /etc/fstab and from swap units of systemd (zram too); or set `failSwapOn: false` in the configuration of the kubelet',
    },
  ];
}

/** Go's strconv.ParseBool. */
function isFalse(value: string | undefined): boolean {
  return /^(?:0|f|F|false|FALSE|False)$/.test(value ?? '');
}
