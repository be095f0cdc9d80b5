import { type Fields, fieldsAt, listAt, meetsLabelExpression, textAt } from '@kube-rescue/cluster-objects';

export type Labels = Readonly<Record<string, string>>;

/** The texts in a map such as `metadata.labels`. */
export function labelsAt(value: unknown, ...path: readonly string[]): Labels {
  const entries = Object.entries(fieldsAt(value, ...path));
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/** Whether a Service with this selector sends to a pod with these labels. One without a selector sends to none. */
export function isSelectedByService(selector: Labels, labels: Labels): boolean {
  const wanted = Object.entries(selector);
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
}

/** Whether a controller with this `spec.selector` counts a pod with these labels as its own. */
export function isSelectedByController(selector: Fields, labels: Labels): boolean {
  const equalities = Object.entries(labelsAt(selector, 'matchLabels'));
  const expressions = listAt(selector, 'matchExpressions');
  // The API server admits no controller without a selector; one that slipped in must not match everything.
  if (equalities.length + expressions.length === 0) return false;
  return (
    equalities.every(([key, value]) => labels[key] === value) &&
    expressions.every((expression) => meetsLabelExpression(expression, labels) ?? false)
  );
}

/** The keys that a pod must have to be selected. */
export function requiredKeys(selector: Fields): readonly string[] {
  const present = listAt(selector, 'matchExpressions').filter((each) =>
    ['In', 'Exists'].includes(textAt(each, 'operator') ?? ''),
  );
  return [...Object.keys(labelsAt(selector, 'matchLabels')), ...present.flatMap((each) => textAt(each, 'key') ?? [])];
}
