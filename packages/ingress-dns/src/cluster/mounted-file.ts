import { type Fields, fieldsAt, listAt, textAt } from '@kube-rescue/cluster-objects';

/** A file in a container that is mounted from a Secret. */
export interface MountedFile {
  readonly secret: string;
  readonly key: string;
}

/** Default paths of the SDKs. */
const USUAL_FILES: readonly string[] = [
  '/root/.aws/credentials',
  '/.aws/credentials',
  '/home/nonroot/.aws/credentials',
];

/** The key of the Secret mounted at `path`; without `path`, at the default paths. */
export function findMountedFile(pod: Fields, container: Fields, path: string | undefined): MountedFile | undefined {
  const paths = path === undefined ? USUAL_FILES : [path];
  return paths.map((each) => findFile(pod, container, each)).find((found) => found !== undefined);
}

function findFile(pod: Fields, container: Fields, path: string): MountedFile | undefined {
  for (const mount of listAt(container, 'volumeMounts')) {
    const at = (textAt(mount, 'mountPath') ?? '').replace(/\/$/, '');
    const subPath = textAt(mount, 'subPath');
    const file = path === at ? subPath : path.startsWith(`${at}/`) ? path.slice(at.length + 1) : undefined;
    if (file === undefined || at === '') continue;
    const volume = listAt(pod, 'volumes').find((each) => textAt(each, 'name') === textAt(mount, 'name'));
    const found = volume && findInVolume(volume, subPath !== undefined && path !== at ? `${subPath}/${file}` : file);
    if (found !== undefined) return found;
  }
  return undefined;
}

function findInVolume(volume: Fields, file: string): MountedFile | undefined {
  const projected = listAt(fieldsAt(volume, 'projected'), 'sources').map((source) => fieldsAt(source, 'secret'));
  for (const source of [fieldsAt(volume, 'secret'), ...projected]) {
    const secret = textAt(source, 'secretName') ?? textAt(source, 'name');
    if (secret === undefined) continue;
    const items = listAt(source, 'items');
    const item = items.find((each) => textAt(each, 'path') === file);
    if (items.length === 0) return { secret, key: file };
    if (item !== undefined) return { secret, key: textAt(item, 'key') ?? file };
  }
  return undefined;
}
