import type { Mutant } from './mutant.ts';

const BUNDLES = { directory: 'packages/recovery', tests: ['self-hosted/bundle-step.test.ts'] };
const ODD = { directory: 'packages/recovery', tests: ['self-hosted/odd-objects.test.ts'] };
const API = { directory: 'packages/cluster-objects', tests: ['api/api-object-store.test.ts'] };
const JOIN = { directory: 'packages/node-join', tests: ['join/join-step.test.ts', 'join/join-bundle.test.ts'] };

/** One odd object of the cluster stops a recovery, or leads it astray. */
export const ODD_OBJECT_MUTANTS: readonly Mutant[] = [
  {
    ...BUNDLES,
    name: 'one odd Node stops every bundle',
    file: 'self-hosted/bundle-step.ts',
    from: "if (!isRecoveryError(error, 'JOIN_NODE_INVALID', 'OBJECT_UNREADABLE', 'OBJECT_INVALID')) throw error;",
    to: 'throw error;',
  },
  {
    ...BUNDLES,
    name: 'an odd Node is passed over without a word',
    file: 'self-hosted/bundle-step.ts',
    from: '      const warnings = [...passedOver];',
    to: '      const warnings: string[] = [];',
  },
  {
    ...ODD,
    name: 'a Node takes the name of another by reporting its addresses',
    file: 'self-hosted/worker-targets.ts',
    from: 'names.has(address) ? [address] : ',
    to: '',
  },
  {
    ...ODD,
    name: 'the Secrets of an unreadable component are forgotten',
    file: 'self-hosted/template-flags.ts',
    from: "|| COMPONENT.test(failure.subject ?? '')",
    to: '',
  },
  {
    ...API,
    name: 'one odd item ends a listing',
    file: 'api/api-object-store.ts',
    from: '    if (onUnreadable === undefined || !isRecoveryError(error)) throw error;',
    to: '    if (error !== undefined || onUnreadable === undefined) throw error;',
  },
  {
    ...API,
    name: 'an answer counts although it is another object',
    file: 'api/api-object-store.ts',
    from: "if (!isSame(stored, reference)) throw unreadable('another object', subject);",
    to: '',
  },
  {
    ...API,
    name: 'the uid of an object may be a path',
    file: 'objects/object-shape.ts',
    from: '!/[/\\p{Cc}]/u.test(value) && ',
    to: '',
  },
  {
    ...JOIN,
    name: 'an unreadable Node of one worker stops the others',
    file: 'join/join-step.ts',
    from: "    if (isRecoveryError(error, 'OBJECT_UNREADABLE', 'OBJECT_ENCODING_UNSUPPORTED', 'OBJECT_INVALID')) return error;\n",
    to: '',
  },
  {
    ...JOIN,
    name: 'a script is written with any number of names',
    file: 'join/join-bundle.ts',
    from: 'if (names.length > MOST_NAMES) throw',
    to: 'if (names.length < 0) throw',
  },
];
