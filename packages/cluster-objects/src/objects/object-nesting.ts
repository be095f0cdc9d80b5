import { ObjectError } from '../errors.ts';

/** An API server accepts ten thousand levels (k8s.io/json); a recursive function overflows the stack. */
const DEEPEST_NESTING = 1000;

/**
 * Checks that recursive functions can process an object.
 *
 * @param value parsed JSON; for a list of objects, the list
 * @param subject the object or the kind, for messages
 * @throws ObjectError `OBJECT_UNREADABLE` when it is nested deeper than 1,000 levels
 */
export function assertShallow(value: unknown, subject: string): void {
  let level = [value].filter(isNested);
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > DEEPEST_NESTING) {
      throw new ObjectError({
        code: 'OBJECT_UNREADABLE',
        message: `the object is nested deeper than ${DEEPEST_NESTING} levels`,
        subject,
        hint: 'inspect and change it with kubectl',
      });
    }
    level = level.flatMap((each) => Object.values(each).filter(isNested));
  }
}

function isNested(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
