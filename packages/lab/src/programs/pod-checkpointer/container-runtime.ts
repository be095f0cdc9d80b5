import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const TIMEOUT_MS = 60_000;
const MOST_BYTES = 64 * 1024 * 1024;

/** Lists the running pods of a container runtime. */
export interface ContainerRuntime {
  /** Ids (`namespace/name`) of the pods with a READY sandbox or a running container. */
  runningPods(): Promise<ReadonlySet<string>>;
}

/**
 * containerd, through its client `ctr`. A sandbox is READY while its task runs, as in containerd's CRI.
 *
 * @param endpoint for example `unix:///var/run/containerd/containerd.sock`
 */
export function containerdRuntime(endpoint: string): ContainerRuntime {
  const ctr = ['--address', endpoint.replace(/^unix:\/\//, ''), '--namespace', 'k8s.io'];
  const ask = async (...words: readonly string[]): Promise<string> => {
    const options = { timeout: TIMEOUT_MS, maxBuffer: MOST_BYTES };
    return (await run('ctr', [...ctr, ...words], options)).stdout;
  };
  // The labels of a container never change, so they are read once.
  let known = new Map<string, string | undefined>();
  return {
    async runningPods() {
      const ids = runningTasks(await ask('tasks', 'list'));
      const found = new Map<string, string | undefined>();
      for (const id of ids) {
        found.set(id, known.has(id) ? known.get(id) : await podOf(id, ask));
      }
      known = found;
      return new Set([...found.values()].filter((pod) => pod !== undefined));
    },
  };
}

async function podOf(id: string, ask: (...words: readonly string[]) => Promise<string>): Promise<string | undefined> {
  let text: string;
  try {
    text = await ask('containers', 'info', id);
  } catch (error) {
    // The container exited after the list was read.
    if (/not found/i.test(String(error))) return undefined;
    throw error;
  }
  const { Labels: labels = {} } = JSON.parse(text) as { Labels?: Readonly<Record<string, string>> };
  const name = labels['io.kubernetes.pod.name'];
  const namespace = labels['io.kubernetes.pod.namespace'];
  return name === undefined || namespace === undefined ? undefined : `${namespace}/${name}`;
}

/** @param table the output of `ctr tasks list`: TASK, PID and STATUS under a header */
function runningTasks(table: string): readonly string[] {
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , status]) => status === 'RUNNING')
    .map(([id = '']) => id);
}
