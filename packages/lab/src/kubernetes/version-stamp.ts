/**
 * Linker flags that set the version of the binaries; kubeadm refuses to run without.
 *
 * @param prefix of the import paths of staging modules: vendored packages have one
 */
export function versionStamp(version: string, prefix = ''): string {
  const [major, minor] = version.slice(1).split('.');
  const values = { gitVersion: version, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' };
  const packages = ['component-base/version', 'client-go/pkg/version'];
  const stamps = packages.flatMap((name) =>
    Object.entries(values).map(([key, value]) => `-X ${prefix}k8s.io/${name}.${key}=${value}`),
  );
  return ['-s', '-w', ...stamps].join(' ');
}
