import { describe, expect, it } from 'vitest';
import { openApiPackages } from './debian-source-build.ts';
import { versionStamp } from './version-stamp.ts';

describe("the build from Debian's source", () => {
  it('generates OpenAPI definitions from each marked package once, staging packages under their vendored name', () => {
    const listing = [
      'pkg/apis/abac/v0/doc.go',
      'pkg/apis/abac/v0/types.go',
      'staging/src/k8s.io/api/core/v1/doc.go',
      'pkg/apis/abac/v0/zz_generated.deepcopy.go',
      'pkg/apis/abac/v0/types_test.go',
      'staging/src/k8s.io/sample-apiserver/pkg/apis/wardle/v1/doc.go',
      'staging/src/k8s.io/code-generator/examples/v1/doc.go',
      '',
    ].join('\n');
    expect(openApiPackages(listing)).toEqual([
      'k8s.io/kubernetes/pkg/apis/abac/v0',
      'k8s.io/kubernetes/vendor/k8s.io/api/core/v1',
    ]);
  });

  it('stamps the version on both packages that kubeadm and kubectl read', () => {
    const flags = versionStamp('v1.20.2', 'k8s.io/kubernetes/vendor/');
    for (const name of ['component-base/version', 'client-go/pkg/version']) {
      expect(flags).toContain(`-X k8s.io/kubernetes/vendor/k8s.io/${name}.gitVersion=v1.20.2`);
      expect(flags).toContain(`-X k8s.io/kubernetes/vendor/k8s.io/${name}.gitMinor=20`);
    }
  });
});
