export { DrillCommand } from './command.ts';
export { DRILL_ERRORS, DrillError, type DrillErrorCode } from './errors.ts';
