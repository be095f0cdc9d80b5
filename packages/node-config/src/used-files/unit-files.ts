import { isRecoveryError, type RecoveryError } from '@kube-rescue/errors';
import { type Host, type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import { programName } from '../components/component.ts';
import { readServiceCommand, UNIT_DIRECTORIES } from '../components/systemd-unit.ts';
import { filesOfWords, pathsIn, type UsedFile, wordsOf } from './used-file.ts';

/** The files that units name, and the units that could not be read. */
export interface UnitFiles {
  readonly files: readonly UsedFile[];
  readonly problems: readonly RecoveryError[];
}

/** More than a node has; further units are left out, with a problem. */
const MAX_UNITS = 200;
/** Units of the system, of components that are described elsewhere, and instances of templates. */
const OTHERS =
  /^(?:systemd-|dbus|getty|serial-getty|ssh|cron|rsyslog|kubelet\.|etcd(?:-member)?\.|network|udev|apt|snap|cloud-)|@/;
/** Where programs read their configuration when their command line names none. */
const USUAL_CONFIGURATIONS: Readonly<Record<string, readonly HostPath[]>> = {
  nginx: [hostPath('/etc/nginx/nginx.conf')],
  haproxy: [hostPath('/etc/haproxy/haproxy.cfg')],
  envoy: [hostPath('/etc/envoy/envoy.yaml')],
  traefik: [hostPath('/etc/traefik/traefik.yml'), hostPath('/etc/traefik/traefik.toml')],
  containerd: [hostPath('/etc/containerd/config.toml')],
  'kube-proxy': [hostPath('/var/lib/kube-proxy/config.conf'), hostPath('/var/lib/kube-proxy/kubeconfig')],
};

/**
 * The files that the services of this node name in `ExecStart=`, `Environment=` and `EnvironmentFile=`: of every unit in
 * `/etc/systemd/system`, where the operator's units and the enabled ones are. The kubelet and etcd are read as components.
 */
export async function filesOfUnits({ host }: { readonly host: Pick<Host, 'readFile' | 'list'> }): Promise<UnitFiles> {
  const units = (await listOwnUnits(host)).filter((unit) => !OTHERS.test(unit));
  const files: UsedFile[] = [];
  const problems: RecoveryError[] = [];
  for (const unit of units.slice(0, MAX_UNITS)) {
    try {
      files.push(...(await filesOfUnit(unit, host)));
    } catch (error) {
      // One odd unit is reported, and hides no other.
      if (!isRecoveryError(error)) throw error;
      problems.push(error);
    }
  }
  return { files, problems };
}

async function listOwnUnits(host: Pick<Host, 'list'>): Promise<readonly string[]> {
  const [directory] = UNIT_DIRECTORIES;
  if (directory === undefined) return [];
  const entries = (await host.list(directory)) ?? [];
  const wanted = entries.filter((name) => name.endsWith('.wants') || name.endsWith('.requires'));
  const linked = await Promise.all(wanted.map((name) => host.list(joinPath(directory, name))));
  const names = [...entries, ...linked.flatMap((each) => each ?? [])].filter((name) => name.endsWith('.service'));
  return [...new Set(names)].toSorted();
}

async function filesOfUnit(unit: string, host: Pick<Host, 'readFile' | 'list'>): Promise<readonly UsedFile[]> {
  const command = await readServiceCommand(unit, { host });
  if (command === undefined) return [];
  const place = { user: unit, toHost: (path: HostPath) => path };
  const [program = '', ...words] = command.argv;
  const named = filesOfWords(
    [
      ...wordsOf(words, 'ExecStart'),
      ...[...command.environment].map(([name, value]) => ({ through: `the variable ${name}`, value })),
    ],
    place,
  );
  const usual = pathsIn(words.join(' ')).length === 0 ? (USUAL_CONFIGURATIONS[programName(program)] ?? []) : [];
  return [...named, ...usual.map((path) => ({ ...place, path, through: 'its usual path', how: 'mounted' as const }))];
}
