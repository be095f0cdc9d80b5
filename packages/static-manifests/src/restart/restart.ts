import { type Edit, type FileReplace, sha256 } from '@kube-rescue/workflow';
import type { StaticPod } from '@kube-rescue/node-config';
import { setContainerFlag } from './container-flag.ts';
import { ManifestError } from '../errors.ts';
import { setPodAnnotation } from './pod-annotation.ts';

/** Changed to make the kubelet see another pod; its value says when or by which run. */
export const RESTART_ANNOTATION = 'kube-rescue.io/restarted-at';

/** Another value for a flag that stands in a manifest. */
export interface FlagEdit {
  /** Without dashes. */
  readonly name: string;
  /** As the component reads it: a path of the container. */
  readonly before: string;
  readonly after: string;
}

/** The edit that makes the kubelet replace a pod. */
export interface RestartEdit extends Edit {
  readonly change: FileReplace;
  readonly material: Uint8Array;
}

/**
 * Plans the edit of a manifest that makes the kubelet replace its pod: one annotation, every other byte as it was, mode and
 * owner kept, the temporary file outside the folder. The annotation is part of what the kubelet hashes into the pod's UID.
 *
 * Pure. Nothing restarts before the edit is made, and nothing waits for it: see `waitForNewPod`.
 * @param value what makes this restart differ from the last one: a time or a run's name
 * @param flags what its component is told otherwise from now on. Default: nothing
 * @throws ManifestError `MANIFEST_UNEDITABLE` `MANIFEST_INVALID`
 */
export function planRestart({
  pod,
  value,
  flags = [],
}: {
  readonly pod: StaticPod;
  readonly value: string;
  readonly flags?: readonly FlagEdit[] | undefined;
}): RestartEdit {
  const { manifest } = pod;
  const uneditable = (message: string, hint: string) =>
    new ManifestError({ code: 'MANIFEST_UNEDITABLE', message, subject: manifest.path, hint });
  if (pod.uid !== undefined) {
    throw uneditable(
      'the manifest sets metadata.uid, so an annotation does not make it another pod',
      'remove metadata.uid from the manifest, or move the manifest away and back',
    );
  }
  if (manifest.isLink) {
    throw uneditable(
      'the manifest is a link; replacing it would part it from the file it points to',
      'put the file itself into the folder',
    );
  }
  const source = flags.reduce(
    (text, flag) => setContainerFlag(text, [flag.name, flag.before], flag.after, manifest.path),
    manifest.source,
  );
  const material = new TextEncoder().encode(setPodAnnotation(source, RESTART_ANNOTATION, value, manifest.path));
  return {
    material,
    change: {
      kind: 'file.replace',
      target: manifest.path,
      before: manifest.digest,
      after: sha256(material),
      mode: manifest.mode,
      uid: manifest.uid,
      gid: manifest.gid,
      watched: true,
    },
  };
}
