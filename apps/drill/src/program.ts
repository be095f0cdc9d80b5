/** The only command of this program, for oclif. */
export { DrillCommand as default } from './command.ts';
