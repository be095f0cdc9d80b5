import { access, glob, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const PAGES = ['*.md', 'docs/**/*.md', 'packages/*/*.md', 'apps/*/*.md'];
const LINK = /\]\(([^)\s]+)\)/g;

/** The anchor of a heading on GitHub. */
function anchorOf(heading: string): string {
  const plain = heading.replaceAll(/[`*_]|\[([^\]]*)\]\([^)]*\)/g, '$1');
  return plain
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\- _]/gu, '')
    .trim()
    .replaceAll(' ', '-');
}

async function hasAnchor(page: string, anchor: string): Promise<boolean> {
  const headings = (await readFile(page, 'utf8')).matchAll(/^#+ (.+)$/gm);
  return [...headings].some(([, heading = '']) => anchorOf(heading) === anchor);
}

describe('a link within the documentation', () => {
  it('leads to a page, and to a heading in it, that exists', async () => {
    const broken: string[] = [];
    let followed = 0;
    for await (const page of glob(PAGES)) {
      for (const [, link = ''] of (await readFile(page, 'utf8')).matchAll(LINK)) {
        if (/^[a-z]+:/.test(link)) continue;
        followed += 1;
        const [file = '', anchor] = link.split('#');
        const target = file === '' ? page : path.join(path.dirname(page), file);
        const exists = await access(target).then(
          () => true,
          () => false,
        );
        const isValid = exists && (anchor === undefined || (await hasAnchor(target, anchor)));
        if (!isValid) broken.push(`${page}: ${link}`);
      }
    }
    expect(followed).toBeGreaterThan(20);
    expect(broken).toEqual([]);
  });
});
