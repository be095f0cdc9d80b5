import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** A program `ctr` that prints files, for tests without containerd. */
export class FakeCtr {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async install(directory: string): Promise<FakeCtr> {
    const script = `#!/bin/sh
case "$*" in
  "--address /run/c.sock --namespace k8s.io tasks list") cat ${directory}/tasks ;;
  "--address /run/c.sock --namespace k8s.io containers info "*)
    echo "$7" >>${directory}/asked
    cat "${directory}/$7.json" 2>/dev/null || { echo "ctr: container \\"$7\\" in namespace k8s.io: not found" >&2; exit 1; } ;;
  *) echo "ctr: unexpected: $*" >&2; exit 1 ;;
esac
`;
    await mkdir(directory, { recursive: true });
    await writeFile(path.join(directory, 'ctr'), script);
    await chmod(path.join(directory, 'ctr'), 0o755);
    return new FakeCtr(directory);
  }

  /** @param tasks status and, where the container exists, the pod as `namespace/name` by container id */
  async setTasks(tasks: Readonly<Record<string, { status: string; pod?: string | undefined }>>): Promise<void> {
    const rows = Object.entries(tasks).map(([id, { status }], index) => `${id}    ${100 + index}    ${status}    `);
    for (const [id, { pod }] of Object.entries(tasks)) {
      if (pod === undefined) continue;
      const [namespace, name] = pod.split('/');
      const labels = {
        'io.cri-containerd.kind': 'sandbox',
        'io.kubernetes.pod.name': name,
        'io.kubernetes.pod.namespace': namespace,
      };
      await writeFile(path.join(this.directory, `${id}.json`), JSON.stringify({ ID: id, Labels: labels, Spec: {} }));
    }
    await writeFile(path.join(this.directory, 'tasks'), `TASK    PID    STATUS    \n${rows.join('\n')}\n`);
  }
}
