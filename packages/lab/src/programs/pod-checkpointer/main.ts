import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type ClusterAccess, readKubeconfig } from '../cluster-client.ts';
import { endOnSignals, reasonOf } from '../program.ts';
import { Checkpointer, POLL_MS } from './checkpointer.ts';
import { containerdRuntime } from './container-runtime.ts';
import { createLogs } from './glog.ts';
import { acquireLock } from './lock.ts';

const { values: flags } = parseArgs({
  options: {
    'lock-file': { type: 'string', default: '/var/run/lock/pod-checkpointer.lock' },
    kubeconfig: { type: 'string', default: '/etc/kubernetes/kubeconfig' },
    'container-runtime-endpoint': { type: 'string', default: 'unix:///var/run/dockershim.sock' },
    'checkpoint-grace-period': { type: 'string', default: '1m' },
    'kubernetes-dir': { type: 'string', default: '/etc/kubernetes' },
    'kubelet-url': { type: 'string', default: 'http://127.0.0.1:10255' },
    v: { type: 'string', short: 'v', default: '0' },
  },
});

// Go writes it `-v=4`.
const logs = createLogs(Number(flags.v.replace(/^=/, '')));

function fatal(source: string, text: string): never {
  logs.log('F', source, text);
  process.exit(255);
}

function variable(name: string): string {
  const value = process.env[name] ?? '';
  return value === '' ? fatal('main.go:50', `Missing required environment variable: ${name}`) : value;
}

/** @param text a duration of Go with one unit, for example `1m` or `30s` */
function milliseconds(text: string): number {
  const [, amount = '', unit = ''] = /^(\d+)(ms|s|m|h)$/.exec(text) ?? [];
  const factor = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[unit];
  return factor === undefined ? fatal('main.go:40', `invalid duration "${text}"`) : Number(amount) * factor;
}

endOnSignals();
const gracePeriodMs = milliseconds(flags['checkpoint-grace-period']);
logs.log('I', 'main.go:47', 'Determining environment from downward API');
const nodeName = variable('NODE_NAME');
const podName = variable('POD_NAME');
const podNamespace = variable('POD_NAMESPACE');
logs.log('I', 'main.go:53', `Trying to acquire the flock at "${flags['lock-file']}"`);
await acquireLock(flags['lock-file']).catch((error: unknown) =>
  fatal('main.go:55', `Error when acquiring the flock: ${reasonOf(error)}`),
);
logs.log('I', 'main.go:58', `Starting checkpointer for node: ${nodeName}`);

function loadKubeconfig(path: string): ClusterAccess {
  try {
    return readKubeconfig(path);
  } catch (error) {
    return fatal('main.go:66', `Failed to load kubeconfig: ${reasonOf(error)}`);
  }
}

const checkpointer = new Checkpointer({
  nodeName,
  podName,
  podNamespace,
  root: flags['kubernetes-dir'],
  gracePeriodMs,
  api: loadKubeconfig(flags.kubeconfig),
  kubelet: { server: flags['kubelet-url'] },
  runtime: containerdRuntime(flags['container-runtime-endpoint']),
  logs,
});
const manifests = join(flags['kubernetes-dir'], 'manifests');
for (;;) {
  await sleep(POLL_MS);
  if (!existsSync(manifests)) {
    fatal('manifest.go:22', `Failed to read checkpoint manifest path: open ${manifests}: no such file or directory`);
  }
  await checkpointer.pass(Date.now);
}
