/** The one command of this program, as oclif takes it. */
export { DrillCommand as default } from './command.ts';
