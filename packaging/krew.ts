/** The manifest with which krew installs `kubectl rescue`: https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/ */
export function krewManifest(input: {
  readonly version: string;
  readonly description: string;
  readonly archives: readonly { readonly architecture: string; readonly name: string; readonly sha256: string }[];
}): string {
  const { version, description, archives } = input;
  const platforms = archives.map(
    ({ architecture, name, sha256 }) => `    - selector:
        matchLabels:
          os: linux
          arch: ${architecture === 'x64' ? 'amd64' : architecture}
      uri: https://github.com/kube-rescue/kube-rescue/releases/download/v${version}/${name}
      sha256: ${sha256}
      files:
        - from: "*/bin/kube-rescue"
          to: .
        - from: "*/share/doc/kube-rescue/LICENSE"
          to: .
      bin: kube-rescue
`,
  );
  return `apiVersion: krew.googlecontainertools.github.com/v1alpha2
kind: Plugin
metadata:
  name: rescue
spec:
  version: v${version}
  homepage: https://github.com/kube-rescue/kube-rescue
  shortDescription: Recover a cluster whose certificates have expired
  description: |
    ${description}
    Runs on a control-plane node, as root; the API server may be down.
  platforms:
${platforms.join('')}`;
}
