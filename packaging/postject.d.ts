declare module 'postject' {
  /** Puts `data` into a section of the executable `file`, and flips the fuse that tells Node of it. */
  export function inject(
    file: string,
    section: string,
    data: Uint8Array,
    options: { readonly sentinelFuse: string },
  ): Promise<void>;
}
