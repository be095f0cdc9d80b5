import { type Fields, fieldsAt, listAt, meetsLabelExpression, textAt } from '@kube-rescue/cluster-objects';

export type Labels = Readonly<Record<string, string>>;

/** The string values of a map such as `metadata.labels`. */
export function labelsAt(value: unknown, ...path: readonly string[]): Labels {
  const entries = Object.entries(fieldsAt(value, ...path));
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/** Whether a Service selector matches a pod with these labels. An empty selector matches none. */
export function isSelectedByService(selector: Labels, labels: Labels): boolean {
  const wanted = Object.entries(selector);
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
}

/** Whether a controller with this `spec.selector` adopts a pod with these labels. */
export function isSelectedByController(selector: Fields, labels: Labels): boolean {
  const equalities = Object.entries(labelsAt(selector, 'matchLabels'));
  const expressions = listAt(selector, 'matchExpressions');
  // The API server rejects an empty selector; one in etcd must not match everything.
  if (equalities.length + expressions.length === 0) return false;
  return (
    equalities.every(([key, value]) => labels[key] === value) &&
    expressions.every((expression) => meetsLabelExpression(expression, labels) ?? false)
  );
}

/** The label keys that a selector requires. */
export function requiredKeys(selector: Fields): readonly string[] {
  const present = listAt(selector, 'matchExpressions').filter((each) =>
    ['In', 'Exists'].includes(textAt(each, 'operator') ?? ''),
  );
  return [...Object.keys(labelsAt(selector, 'matchLabels')), ...present.flatMap((each) => textAt(each, 'key') ?? [])];
}
