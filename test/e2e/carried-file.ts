import type { TestProject } from 'vitest/node';
import { type Packaged, packageForTest } from '../single-file/packaged.fixture.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The one file for this processor, which drills carry onto their nodes. */
    readonly executable: string;
  }
}

let packaged: Packaged | undefined;

/** Packages the built command line once for all drills: what they prove is what people carry. */
export async function setup(project: TestProject): Promise<void> {
  packaged = await packageForTest('--architecture', process.arch, '--bare');
  project.provide('executable', packaged.executable);
}

export async function teardown(): Promise<void> {
  await packaged?.remove();
}
