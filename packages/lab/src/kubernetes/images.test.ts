import { describe, expect, it } from 'vitest';
import { parseSharedLibraries, renderImageConfig } from './images.ts';

describe('an image built from files of this machine', () => {
  it('contains the libraries of a dynamic program and its loader, but not the vdso', () => {
    const listing = `	linux-vdso.so.1 (0x00007f2a47669000)
	libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f2a47476000)
	/lib64/ld-linux-x86-64.so.2 (0x00007f2a4766b000)
`;
    expect(parseSharedLibraries(listing)).toEqual(['/lib/x86_64-linux-gnu/libc.so.6', '/lib64/ld-linux-x86-64.so.2']);
  });

  it('has a configuration with architecture, entrypoint and layer digest', () => {
    const config = renderImageConfig({ reference: 'a:1', entrypoint: ['/bin/x'], files: {} }, 'arm64', 'abc');
    expect(JSON.parse(config)).toMatchObject({
      architecture: 'arm64',
      config: { Entrypoint: ['/bin/x'] },
      rootfs: { diff_ids: ['sha256:abc'] },
    });
  });
});
