import { type DescField, type DescMessage, getOption, ScalarType } from '@bufbuild/protobuf';
import { always, inline, pointer } from '../generated/kubernetes/options_pb.ts';

/** When a zero value appears in JSON: `set` when the field is present, `always`, or `never`. */
type ZeroRule = 'set' | 'always' | 'never';

/** Type of a field, a list element or a map value. */
export type Content =
  | { readonly kind: 'scalar'; readonly scalar: ScalarType }
  | { readonly kind: 'message'; readonly message: DescMessage };

/** JSON mapping of one field of a message. */
export interface FieldPlan {
  readonly field: DescField;
  /** The key in JSON. */
  readonly name: string;
  /** The property of the decoded message. */
  readonly property: string;
  readonly shape: 'single' | 'list' | 'map' | 'inline';
  readonly content: Content;
  readonly zero: ZeroRule;
}

const plans = new WeakMap<DescMessage, readonly FieldPlan[]>();

/** JSON mapping of the fields of a message. */
export function fieldPlans(message: DescMessage): readonly FieldPlan[] {
  let planned = plans.get(message);
  if (planned === undefined) {
    planned = message.fields.map(planOf);
    plans.set(message, planned);
  }
  return planned;
}

/** Every possible key in the JSON of a message. */
export function fieldNames(message: DescMessage): readonly string[] {
  return fieldPlans(message).flatMap((plan) =>
    plan.shape === 'inline' && plan.content.kind === 'message' ? fieldNames(plan.content.message) : [plan.name],
  );
}

function planOf(field: DescField): FieldPlan {
  const zero = getOption(field, always) ? 'always' : getOption(field, pointer) ? 'set' : 'never';
  const isInline = getOption(field, inline);
  const shape = isInline
    ? 'inline'
    : field.fieldKind === 'list' || field.fieldKind === 'map'
      ? field.fieldKind
      : 'single';
  return { field, name: field.name, property: field.localName, shape, content: contentOf(field), zero };
}

function contentOf(field: DescField): Content {
  if (field.message !== undefined) return { kind: 'message', message: field.message };
  return { kind: 'scalar', scalar: field.scalar ?? ScalarType.INT32 };
}
