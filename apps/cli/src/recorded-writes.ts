import { describeError, isRecoveryError } from '@kube-rescue/errors';
import { type Host, type HostPath, parentPath } from '@kube-rescue/host';
import { CliError } from './errors.ts';
import { claimsNothingChanged } from './exit-codes.ts';

/** Everything that a command has written and not removed. */
export interface WriteRecord {
  /** A path, service or run. */
  add(what: string): void;
  remove(what: string): void;
  list(): readonly string[];
}

export function createWriteRecord(): WriteRecord {
  const written = new Set<string>();
  return {
    add: (what) => void written.add(what),
    remove: (what) => void written.delete(what),
    list: () => [...written],
  };
}

/**
 * The same host; adds every changed file, link, directory and service to `record`. Does not record changes of programs
 * started with `exec`.
 */
export function recordWrites(host: Host, record: WriteRecord): Host {
  const recorded = async (path: HostPath, write: () => Promise<void>): Promise<void> => {
    await write();
    record.add(path);
  };
  return {
    ...host,
    writeFile: (path, ...rest) => recorded(path, () => host.writeFile(path, ...rest)),
    writeFileFrom: (path, ...rest) => recorded(path, () => host.writeFileFrom(path, ...rest)),
    writeLink: (path, ...rest) => recorded(path, () => host.writeLink(path, ...rest)),
    // A failed append may have written a part.
    appendFile: (path, ...rest) => {
      record.add(path);
      return host.appendFile(path, ...rest);
    },
    remove: async (path, options) => {
      const isOwn = record.list().includes(path);
      await host.remove(path, options);
      if (isOwn) record.remove(path);
      else record.add(path);
    },
    makeDirectory: async (path, ...rest) => {
      const created = await outermostMissing(path, host);
      await host.makeDirectory(path, ...rest);
      if (created !== undefined) record.add(created);
    },
    moveDirectory: (from, to) => recorded(to, () => host.moveDirectory(from, to)),
    services: {
      ...host.services,
      act: async (action, name) => {
        await host.services.act(action, name);
        record.add(`service ${name}`);
      },
    },
  };
}

/**
 * Turns a failure that claims "nothing was changed" into `LEFT_INCOMPLETE` when the command has written something.
 */
export function afterWrites(error: unknown, record: WriteRecord): unknown {
  const written = record.list();
  if (written.length === 0 || !isRecoveryError(error) || !claimsNothingChanged(error)) return error;
  const outermost = written.filter((path) => !written.some((other) => isInside(path, other)));
  return new CliError({
    code: 'LEFT_INCOMPLETE',
    message: `failed after writing ${outermost.join(', ')}: ${describeError(error)}`,
    subject: error.subject,
    hint: `${error.hint ?? 'fix the cause'}; before the next attempt, remove the written files`,
    cause: error,
  });
}

/** The outermost missing directory of `path`; `undefined` when `path` exists. */
async function outermostMissing(path: HostPath, host: Pick<Host, 'stat'>): Promise<HostPath | undefined> {
  if ((await host.stat(path)) !== undefined) return undefined;
  const parent = parentPath(path);
  return parent === path ? path : ((await outermostMissing(parent, host)) ?? path);
}

function isInside(path: string, other: string): boolean {
  return path.startsWith(`${other}/`);
}
