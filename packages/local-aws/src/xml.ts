/** A document of an AWS query or REST-XML service, simple enough for regular expressions. */
export type XmlTree = string | number | boolean | readonly (readonly [tag: string, content: XmlTree])[];

/** Writes elements, text escaped. */
export function renderXml(tree: XmlTree): string {
  if (!Array.isArray(tree)) return escape(String(tree));
  return (tree as readonly (readonly [string, XmlTree])[])
    .map(([tag, content]) => `<${tag}>${renderXml(content)}</${tag.split(' ')[0] ?? ''}>`)
    .join('');
}

/** The contents of every `<tag>` in `xml`, which must not be nested in each other. */
export function elementsOf(xml: string, tag: string): readonly string[] {
  return [...xml.matchAll(new RegExp(`<${tag}>(.*?)</${tag}>`, 'gs'))].map(([, content = '']) => content);
}

/** The text of the first `<tag>`. */
export function textOf(xml: string, tag: string): string | undefined {
  const [content] = elementsOf(xml, tag);
  return content?.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => ENTITIES[name] ?? '');
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

function escape(text: string): string {
  return text.replace(/[<>&"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
