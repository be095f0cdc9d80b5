import { type HostPath, hostPath } from '@kube-rescue/host';

/** The absolute path of a flag; `undefined` for another value. */
export function asPath(value: string | undefined): HostPath | undefined {
  return value?.startsWith('/') === true ? hostPath(value) : undefined;
}

/** The absolute paths of a flag, with commas between them; `undefined` without any. */
export function asPaths(value: string | undefined): readonly HostPath[] | undefined {
  const paths = (value ?? '').split(',').flatMap((each) => asPath(each.trim()) ?? []);
  return paths.length === 0 ? undefined : paths;
}
