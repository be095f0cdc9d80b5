/** Sections of a shared credentials or config file, by name, each with its settings; names in lower case. */
export type IniSections = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Reads an AWS credentials or config file (AWS SDKs and Tools reference, "Format of the config and credentials files"). */
export function parseIni(text: string): IniSections {
  const sections = new Map<string, Map<string, string>>();
  let current: Map<string, string> | undefined;
  for (const line of text.split(/\r?\n/)) {
    const [, name] = /^\s*\[\s*(?:profile\s+)?([^\]]+?)\s*\]/.exec(line) ?? [];
    if (name !== undefined) {
      current = sections.get(name) ?? new Map<string, string>();
      sections.set(name, current);
      continue;
    }
    const [, key, value = ''] = /^\s*([A-Za-z0-9_-]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (key !== undefined) current?.set(key.toLowerCase(), value);
  }
  return sections;
}

/** Sets values in a section of such a file; adds a missing section. Every other line stays unchanged. */
export function withIniSettings(
  text: string,
  section: string,
  settings: Readonly<Record<string, string | undefined>>,
): string {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => /^\s*\[\s*(?:profile\s+)?([^\]]+?)\s*\]/.exec(line)?.[1] === section);
  const values = Object.entries(settings).flatMap(([key, value]) => (value === undefined ? [] : [`${key} = ${value}`]));
  if (start === -1)
    return [...lines.filter((line, at) => line !== '' || at < lines.length - 1), `[${section}]`, ...values, ''].join(
      '\n',
    );
  const next = lines.findIndex((line, at) => at > start && /^\s*\[/.test(line));
  const end = next === -1 ? lines.length : next;
  const kept = lines
    .slice(start + 1, end)
    .filter((line) => !Object.keys(settings).includes(/^\s*([\w-]+)\s*=/.exec(line)?.[1]?.toLowerCase() ?? ''));
  return [...lines.slice(0, start + 1), ...values, ...kept, ...lines.slice(end)].join('\n');
}
