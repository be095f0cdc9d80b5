// Preloaded by `node --import`: prints the packages that a program has loaded to the standard error when it ends.
import { registerHooks } from 'node:module';

const loaded = new Set();
registerHooks({
  load(url, context, next) {
    const [, workspace, installed] = /\/packages\/([^/]+)\/|\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url) ?? [];
    loaded.add(workspace ?? installed ?? 'node');
    return next(url, context);
  },
});
process.on('exit', () => process.stderr.write(`loaded: ${[...loaded].join(' ')}\n`));
