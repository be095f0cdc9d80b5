import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** A program `ctr` that tells what lies in files, for tests without a containerd. */
export class FakeCtr {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async install(folder: string): Promise<FakeCtr> {
    const script = `#!/bin/sh
case "$*" in
  "--address /run/c.sock --namespace k8s.io tasks list") cat ${folder}/tasks ;;
  "--address /run/c.sock --namespace k8s.io containers info "*)
    echo "$7" >>${folder}/asked
    cat "${folder}/$7.json" 2>/dev/null || { echo "ctr: container \\"$7\\" in namespace k8s.io: not found" >&2; exit 1; } ;;
  *) echo "ctr: unexpected: $*" >&2; exit 1 ;;
esac
`;
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, 'ctr'), script);
    await chmod(path.join(folder, 'ctr'), 0o755);
    return new FakeCtr(folder);
  }

  /** @param tasks status and, where the container exists, the pod as `namespace/name` by container id */
  async tell(tasks: Readonly<Record<string, { status: string; pod?: string | undefined }>>): Promise<void> {
    const rows = Object.entries(tasks).map(([id, { status }], index) => `${id}    ${100 + index}    ${status}    `);
    for (const [id, { pod }] of Object.entries(tasks)) {
      if (pod === undefined) continue;
      const [namespace, name] = pod.split('/');
      const labels = {
        'io.cri-containerd.kind': 'sandbox',
        'io.kubernetes.pod.name': name,
        'io.kubernetes.pod.namespace': namespace,
      };
      await writeFile(path.join(this.folder, `${id}.json`), JSON.stringify({ ID: id, Labels: labels, Spec: {} }));
    }
    await writeFile(path.join(this.folder, 'tasks'), `TASK    PID    STATUS    \n${rows.join('\n')}\n`);
  }
}
