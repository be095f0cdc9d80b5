import type { Host } from '@kube-rescue/host';

/** One change to a machine. */
export interface Mutation {
  readonly operation:
    | 'writeFile'
    | 'writeFileFrom'
    | 'appendFile'
    | 'writeLink'
    | 'remove'
    | 'makeDirectory'
    | 'moveDirectory'
    | 'service.start'
    | 'service.stop'
    | 'service.restart'
    | 'object';
  /** A path, or the name of a service or object. */
  readonly target: string;
}

/** Called before each mutation; calls `perform` to make it. */
export type MutationWatch = (mutation: Mutation, perform: () => Promise<void>, host: Host) => Promise<void>;

/** Wraps `host` so that every change goes through `watch`. */
export function watchMutations(host: Host, watch: MutationWatch): Host {
  const through = (operation: Mutation['operation'], target: string, perform: () => Promise<void>): Promise<void> =>
    watch({ operation, target }, perform, host);
  return {
    ...host,
    writeFile: (path, data, options) => through('writeFile', path, () => host.writeFile(path, data, options)),
    writeFileFrom: (path, data, options) =>
      through('writeFileFrom', path, () => host.writeFileFrom(path, data, options)),
    appendFile: (path, data, options) => through('appendFile', path, () => host.appendFile(path, data, options)),
    writeLink: (path, target, options) => through('writeLink', path, () => host.writeLink(path, target, options)),
    remove: (path, options) => through('remove', path, () => host.remove(path, options)),
    makeDirectory: (path, options) => through('makeDirectory', path, () => host.makeDirectory(path, options)),
    moveDirectory: (from, to) => through('moveDirectory', from, () => host.moveDirectory(from, to)),
    services: {
      status: (name) => host.services.status(name),
      act: (action, name) => through(`service.${action}`, name, () => host.services.act(action, name)),
    },
  };
}
