/** As `smallestPolicy` of `@kube-rescue/ingress-dns` writes it. */
const POLICY = /^(.*?):? ?(\{"Version":.*\]\})(?:; )?(.*)$/s;

/**
 * Takes an IAM policy out of a hint, for lines of its own: wrapped text cannot be pasted.
 * @returns the hint without it, and the policy, indented; the hint alone where it holds none
 */
export function splitPolicy(hint: string): { readonly hint: string; readonly policy: string | undefined } {
  const [, before, json, after] = POLICY.exec(hint) ?? [];
  if (json === undefined) return { hint, policy: undefined };
  const rest = [before, after].filter((part) => part !== undefined && part !== '').join('; ');
  return { hint: rest, policy: JSON.stringify(JSON.parse(json), undefined, 2) };
}
