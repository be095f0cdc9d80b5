import { readdir } from 'node:fs/promises';
import path from 'node:path';

const ATTEMPTS = 10;

/** Every file of a lab's node. containerd removes what ended pods leave, also in the middle of a listing, which is then repeated. */
export async function listNodeFiles(node: { readonly directory: string }): Promise<readonly string[]> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await readdir(path.join(node.directory, 'files'), { recursive: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempt === ATTEMPTS) throw error;
    }
  }
}
