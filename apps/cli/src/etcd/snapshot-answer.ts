import type { EtcdSearch } from '@kube-rescue/node';
import type { Answer } from '../base-command.ts';
import { EXIT } from '../exit-codes.ts';
import { createProgress } from '../render/progress.ts';
import { formatBytes } from '../render/text.ts';
import { type Session } from '../wiring.ts';

/** Saves a snapshot of etcd to a local file. */
export async function saveSnapshotTo(file: string, search: EtcdSearch, session: Session): Promise<Answer> {
  const { node, localFiles, reporter, clock, interruption } = session;
  const { saveEtcdOfNode } = await import('@kube-rescue/recovery');
  const target = localFiles.path(file);
  const progress = createProgress(reporter, clock);
  progress.begin(`save a snapshot of etcd to ${target}`);
  try {
    const onProgress = ({ bytes, expectedBytes }: { readonly bytes: number; readonly expectedBytes: number }): void =>
      progress.waitFor(`${formatBytes(bytes)} of ${formatBytes(expectedBytes)}`);
    const saved = await saveEtcdOfNode(
      node,
      { search, target, files: localFiles.host, onProgress },
      interruption.signal,
    );
    progress.end('done', `snapshot of ${saved.endpoint}`);
    return {
      result: saved,
      exitCode: EXIT.done,
      text: () =>
        `${saved.path}: ${formatBytes(saved.bytes)}, revision ${saved.revision} of ${saved.endpoint}\nSHA-256 ${saved.sha256}`,
    };
  } finally {
    progress.stop();
  }
}
