import { formatTime, printable } from '@kube-rescue/errors';
import type { ReportedChange, ReportedStep } from '@kube-rescue/workflow';
import type { RunSummary } from '../report/run-summary.ts';
import { formatSeconds, oneLine } from './text.ts';

/** The report of a run as Markdown, for a ticket or a handover. */
export function renderRunReport(summary: RunSummary): string {
  const { run, playbook, host, startedAt, endedAt, outcome, reason, steps, changes } = summary;
  const wrong = steps.filter(({ status, summary: text }) => status !== 'ok' && text !== '');
  const seconds = endedAt === undefined ? undefined : (Date.parse(endedAt) - Date.parse(startedAt)) / 1000;
  return printable(
    [
      `# Run ${run}`,
      '',
      ...list([
        `Playbook: ${playbook}`,
        `Host: ${host}`,
        `Started: ${formatTime(new Date(startedAt))}`,
        `Ended: ${endedAt === undefined ? 'interrupted, or still running' : `${formatTime(new Date(endedAt))} (${formatSeconds(seconds ?? 0)})`}`,
        ...(summary.times === '' ? [] : [`Times: ${summary.times}`]),
        `Outcome: ${outcome ?? 'interrupted'}${reason === undefined ? '' : `: ${reason}`}`,
      ]),
      ...section('Findings', wrong.flatMap(renderFinding), 'None in the journal.'),
      ...section('Changes', renderChanges(changes), 'None.'),
      ...section('Temporary objects, removed', list(summary.rescued), 'None.'),
      ...section('Created objects', list(summary.created), 'None.'),
      ...section('Verified', steps.flatMap(renderProof), 'None in the journal.'),
      ...section('Open work', list(summary.remaining), 'None.'),
      ...section('Timeline', renderTimeline(summary), 'None.'),
    ].join('\n'),
  );
}

function section(title: string, lines: readonly string[], none: string): readonly string[] {
  return ['', `## ${title}`, '', ...(lines.length === 0 ? [none] : lines)];
}

function renderFinding({ title, step, summary, evidence }: ReportedStep): readonly string[] {
  return [
    ...list([`**${escape(title)}** (${code(step)}): ${escape(summary)}`], true),
    ...evidence.map((line) => `  - ${escape(line)}`),
  ];
}

function renderProof({ title, result, proof }: ReportedStep): readonly string[] {
  if (result !== 'verified') return [];
  return [...list([title]), ...proof.map((line) => `  - ${escape(line)}`)];
}

function renderChanges(changes: readonly ReportedChange[]): readonly string[] {
  if (changes.length === 0) return [];
  const states = {
    active: 'active',
    'rolled-back': 'rolled back',
    'not-reverted': 'not rolled back: changed by another process',
  } as const;
  return [
    '| # | step | change | now |',
    '|---|---|---|---|',
    ...changes.map(
      ({ step, text, state }, index) => `| ${index + 1} | ${code(step)} | ${escape(text)} | ${states[state]} |`,
    ),
  ];
}

function renderTimeline({ timeline }: RunSummary): readonly string[] {
  if (timeline.length === 0) return [];
  return [
    '| after | event |',
    '|---|---|',
    ...timeline.map(({ seconds, text }) => `| ${formatSeconds(seconds)} | ${escape(text)} |`),
  ];
}

function list(lines: readonly string[], isMarkdown = false): readonly string[] {
  return lines.map((line) => `- ${isMarkdown ? line : escape(line)}`);
}

function code(text: string): string {
  return `\`${oneLine(text).replaceAll('`', "'")}\``;
}

/** Names come from files and from the cluster: none may become a link, an image or another cell. */
function escape(text: string): string {
  return oneLine(text).replace(/[\\`*_[\]<>|#!]/g, String.raw`\$&`);
}
