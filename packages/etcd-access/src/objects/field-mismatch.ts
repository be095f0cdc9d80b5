/** JSON that does not fit a field; translated to an `ObjectError` with the object as its subject. */
export class FieldMismatch extends Error {
  readonly code: 'OBJECT_INVALID' | 'OBJECT_FIELD_UNSUPPORTED';

  /** @param at the path of the field; never its value, which may be secret */
  constructor(at: string, problem: string, code: FieldMismatch['code'] = 'OBJECT_INVALID') {
    super(`${at} ${problem}`);
    this.code = code;
  }
}
