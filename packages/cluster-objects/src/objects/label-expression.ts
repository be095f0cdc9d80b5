import { type Fields, textAt, textsAt } from './object-fields.ts';

/**
 * Whether labels match one expression of a label selector or a node selector; `undefined` for a numeric operator
 * (`Gt`, `Lt`) or an unknown one.
 */
export function meetsLabelExpression(
  expression: Fields,
  labels: Readonly<Record<string, string>>,
): boolean | undefined {
  const value = labels[textAt(expression, 'key') ?? ''];
  const values = textsAt(expression, 'values');
  switch (textAt(expression, 'operator')) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return undefined;
  }
}
