import type { Machine } from '../machine.ts';
import { CAS } from './cas.ts';
import { CONFIGURATION } from './configuration.ts';
import { DATES } from './dates.ts';
import { FILES } from './files.ts';
import { LAYOUTS } from './layouts.ts';
import { MEMBERS_OF_ETCD } from './members.ts';
import { RUNNING } from './running.ts';

/** The machines of the page, in its order. */
export const MACHINES: readonly Machine[] = [
  ...DATES,
  ...CAS,
  ...FILES,
  ...CONFIGURATION,
  ...LAYOUTS,
  ...RUNNING,
  ...MEMBERS_OF_ETCD,
];
