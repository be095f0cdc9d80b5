import { baseName, type HostPath } from '@kube-rescue/host';
import { isComponent } from '../components/component.ts';
import { NodeConfigError } from '../errors.ts';
import { decodeManifest, readManifestObject } from './manifest-source.ts';

/** A line that begins with a field of a Pod. */
const POD_FIELD = /^[\s"'{,-]*(apiVersion|kind|metadata|spec|containers|hostNetwork)["']?\s*:/m;
/** Kinds that run containers: meant as a static pod, or torn behind the kind. */
const RUNS_CONTAINERS =
  /^(pod|podtemplate|podlist|list|deployment|daemonset|replicaset|replicationcontroller|statefulset|job|cronjob)$/i;
const MANIFEST_NAME = /\.(ya?ml|json)$/;

/**
 * Whether a file that is no Pod is plainly no damaged manifest either: a README, a note, an object of another kind.
 *
 * A file with a field of a Pod or with the name of a manifest counts as damaged, also when it is empty; one with the name of a
 * component whatever it holds.
 */
export function isOtherFile(path: HostPath, bytes: Uint8Array): boolean {
  const name = baseName(path);
  if (isComponent(name.replace(MANIFEST_NAME, ''))) return false;
  if (isOtherObject(bytes, path)) return true;
  if (MANIFEST_NAME.test(name)) return false;
  // Without the zeros of UTF-16.
  return !POD_FIELD.test(Buffer.from(bytes).toString('latin1').replaceAll('\0', ''));
}

/** An object of Kubernetes that runs no container. */
function isOtherObject(bytes: Uint8Array, path: HostPath): boolean {
  try {
    const { apiVersion, kind, spec } = readManifestObject(decodeManifest(bytes, path), path);
    if (typeof apiVersion !== 'string' || typeof kind !== 'string' || RUNS_CONTAINERS.test(kind)) return false;
    return typeof spec !== 'object' || spec === null || !('containers' in spec || 'template' in spec);
  } catch (error) {
    if (error instanceof NodeConfigError) return false;
    throw error;
  }
}

/** The kubelet logs an error for such a file and runs the others (pkg/kubelet/config/file.go, `extractFromDir`). */
export function passOver(path: HostPath): NodeConfigError {
  return new NodeConfigError({
    code: 'MANIFEST_PASSED_OVER',
    message: 'this file is no manifest: the kubelet logs an error for it and runs the others',
    subject: path,
    hint: 'move the file out of the directory',
  });
}
