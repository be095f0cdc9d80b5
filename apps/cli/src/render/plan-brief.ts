import type { PlanEntry } from '@kube-rescue/workflow';
import type { Terminal } from '../terminal.ts';
import { type DescribeChange, WORD_WIDTH, wordOf } from './plan-entry.ts';
import { paint } from './style.ts';
import { count, indentHint, indentText } from './text.ts';

/** More changes of a step are only counted. */
const MOST_CHANGES = 2;
const INDENT = ' '.repeat(WORD_WIDTH);
const ORDER = ['BLOCKED', 'needed', 'waits', 'skipped'];

/**
 * The open entries of a plan on one screen, what blocks first: entries with the same reason are one, with a list, and many changes are
 * counted.
 */
export function renderBriefly(
  entries: readonly PlanEntry[],
  describe: DescribeChange,
  terminal: Terminal,
): readonly string[] {
  const groups = [...Map.groupBy(entries, groupOf).values()];
  const rank = ([entry]: readonly PlanEntry[]): number => (entry === undefined ? 0 : ORDER.indexOf(wordOf(entry)[0]));
  return groups
    .toSorted((a, b) => rank(a) - rank(b))
    .flatMap((same, index) => renderGroup(same, describe, { terminal, isFirst: index === 0 }));
}

function groupOf(entry: PlanEntry): string {
  const { step, finding } = entry;
  const [word] = wordOf(entry);
  if (word === 'skipped') return word;
  if (finding.about !== undefined) return `${word} ${finding.about.noun} ${dayOf(finding.about.reason)}`;
  return step;
}

/** A reason that names days where it named times: the certificates of one `kubeadm init` end seconds after each other. */
function dayOf(reason: string): string {
  return reason.replaceAll(/(\d{4}-\d\d-\d\d) \d\d:\d\d:\d\d UTC/g, '$1');
}

function renderGroup(
  same: readonly PlanEntry[],
  describe: DescribeChange,
  { terminal, isFirst }: { readonly terminal: Terminal; readonly isFirst: boolean },
): readonly string[] {
  const { columns } = terminal;
  const [entry] = same;
  if (entry === undefined) return [];
  const [word, colour] = wordOf(entry);
  const { finding, skipped } = entry;
  const label = word.padEnd(WORD_WIDTH);
  const [head, list] = headOf(same);
  const lines = [indentText(label, head, columns).replace(word, paint(word, colour, terminal))];
  if (list !== '') lines.push(indentText(INDENT, list, columns));
  if (skipped) return lines;
  const changes = same.flatMap((each) => each.changes);
  if (changes.length > 0 && changes.length <= MOST_CHANGES) {
    lines.push(...changes.map((change) => indentText(`${INDENT}- `, describe(change), columns)));
  } else if (changes.length > 0) lines.push(`${INDENT}- ${count(changes.length, 'change')}`);
  if (word !== 'BLOCKED') return lines;
  if (finding.subject !== undefined) lines.push(indentText(`${INDENT}subject: `, finding.subject, columns));
  // The hint of the first blocker is the next step, below the plan.
  if (finding.hint !== undefined && !isFirst) lines.push(indentHint(`${INDENT}hint: `, finding.hint, terminal));
  return lines;
}

function headOf(same: readonly PlanEntry[]): readonly [head: string, list: string] {
  const [entry] = same;
  if (entry === undefined) return ['', ''];
  const { step, finding, skipped } = entry;
  if (skipped) return [same.map((each) => each.step).join(', '), ''];
  if (finding.about === undefined || same.length === 1) return [`${step}: ${finding.summary}`, ''];
  const { noun, reason } = finding.about;
  const ids = same.map((each) => each.finding.about?.id ?? each.step);
  return [`${count(same.length, noun)}: ${dayOf(reason)}`, ids.join(', ')];
}
