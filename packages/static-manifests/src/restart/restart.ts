import { type Edit, type FileReplace, sha256 } from '@kube-rescue/workflow';
import type { StaticPod } from '@kube-rescue/node-config';
import { setContainerFlag } from './container-flag.ts';
import { ManifestError } from '../errors.ts';
import { setPodAnnotation } from './pod-annotation.ts';

/** Annotation whose change makes the kubelet replace the pod; its value is a time or a run. */
export const RESTART_ANNOTATION = 'kube-rescue.io/restarted-at';

/** A new value for a flag of a manifest. */
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
 * Plans the edit of a manifest that makes the kubelet replace its pod: one annotation, every other byte unchanged, mode and
 * owner kept, the temporary file outside the directory. The kubelet hashes the annotation into the UID of the pod.
 *
 * Pure. Nothing restarts before the edit is made, and nothing waits for it: see `waitForNewPod`.
 * @param value distinguishes this restart from the last one: a time or the name of a run
 * @param flags new flag values. Default: none
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
      'the manifest sets metadata.uid, so an annotation does not restart the pod',
      'remove metadata.uid from the manifest, or move the manifest away and back',
    );
  }
  if (manifest.isLink) {
    throw uneditable(
      'the manifest is a symbolic link, which a replacement would detach from its target',
      'put the file itself into the directory',
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
