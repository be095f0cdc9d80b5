// The JSON Schema of the document of each command, from the TypeScript types of the built command line.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createGenerator } from 'ts-json-schema-generator';

const ROOT = path.join(import.meta.dirname, '..');

/** Schemas by the words of the command. */
export function createSchemas() {
  const generator = createGenerator({
    path: path.join(ROOT, 'apps/cli/dist/results.d.ts'),
    tsconfig: path.join(ROOT, 'tsconfig.json'),
    skipTypeCheck: true,
    topRef: false,
    expose: 'export',
    // New fields are no breaking change.
    additionalProperties: true,
  });
  const [results] = generator.getRootNodes(['Results']);
  return Object.fromEntries(
    results.members.map(({ name, type }) => [
      name.text,
      documentOf(name.text, generator.createSchemaFromNodes([type])),
    ]),
  );
}

/** The file of a schema below `docs/reference/schemas`. */
export function fileOf(command) {
  return `${command.replaceAll(' ', '-')}.json`;
}

/** The packages add their codes to a type that is empty where it is declared. */
const ERROR_CODE = { type: 'string', description: 'Stable, for programs.' };

/** What the printed document adds to the types of the packages: apps/cli/src/hint-commands.ts. */
const COMMANDS = {
  type: 'array',
  items: { type: 'string' },
  description:
    'The command lines of kube-rescue in the advice beside it, whole, to paste into a shell on this machine.',
};

/** The schema with `commands` beside each `hint` and in each next step. */
function withCommands(schema) {
  if (Array.isArray(schema)) return schema.map(withCommands);
  if (typeof schema !== 'object' || schema === null) return schema;
  const made = Object.fromEntries(Object.entries(schema).map(([name, each]) => [name, withCommands(each)]));
  const { properties, required = [] } = schema;
  if (properties === undefined) return made;
  const field = 'hint' in properties ? 'hint' : 'command' in properties && 'text' in properties ? 'text' : undefined;
  if (field === undefined) return made;
  const isAlways = required.includes(field);
  return {
    ...made,
    properties: { ...made.properties, commands: COMMANDS },
    required: isAlways ? [...required, 'commands'] : required,
  };
}

function documentOf(command, { $schema, definitions: found, ...result }) {
  const definitions = withCommands('ErrorCode' in found ? { ...found, ErrorCode: ERROR_CODE } : found);
  const text = { type: 'string' };
  const nullable = { type: ['string', 'null'] };
  const error = {
    type: 'object',
    description: 'Why the command failed. Codes are stable, messages are not.',
    properties: { code: text, message: text, hint: nullable, subject: nullable, commands: COMMANDS },
    required: ['code', 'message', 'hint', 'subject', 'commands'],
  };
  return {
    $schema,
    title: `kube-rescue ${command}`,
    type: 'object',
    properties: {
      apiVersion: { const: 'kube-rescue/v1' },
      ok: { type: 'boolean', description: 'The command did its work. Problems that it found are in `verdict`.' },
      verdict: { type: 'string', description: 'The exit code in a word.', enum: VERDICTS },
      exitCode: { type: 'integer', description: 'The exit code of the process.' },
      result: withCommands(result),
      error,
      warnings: { type: 'array', items: text, description: 'What the command also printed as a warning.' },
    },
    required: ['apiVersion', 'ok', 'verdict', 'exitCode', 'warnings'],
    oneOf: [
      { properties: { ok: { const: true } }, required: ['result'], not: { required: ['error'] } },
      { properties: { ok: { const: false } }, required: ['error'] },
    ],
    definitions,
  };
}

const VERDICTS = [
  ...['ok', 'bug', 'usage', 'problems', 'refused', 'rolled-back', 'rollback-incomplete', 'not-verified', 'interrupted'],
];

/** The reference page: the policy, then the fields of each command. */
export async function renderReference(schemas) {
  const policy = await readFile(path.join(ROOT, 'scripts/json-reference.md'), 'utf8');
  const sections = Object.entries(schemas)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([command, schema]) => sectionOf(command, schema));
  return [policy.trimEnd(), ...sections].join('\n\n').concat('\n');
}

function sectionOf(command, { properties, definitions }) {
  const rows = fieldsOf(properties.result, definitions).map(
    ([name, type, description]) => `| \`${name}\` | ${type} | ${description} |`,
  );
  return [
    `## ${command}`,
    `[schema](schemas/${fileOf(command)})`,
    ['| field of `result` | type | |', '|---|---|---|', ...rows].join('\n'),
  ].join('\n\n');
}

/** The fields of an object, or of every alternative, each once. */
function fieldsOf(schema, definitions) {
  const found = resolve(schema, definitions);
  const own = Object.entries(found.properties ?? {}).flatMap(([name, field]) => {
    if (field.not !== undefined) return [];
    const isAlways = (found.required ?? []).includes(name);
    return [[name, `${typeOf(field, definitions)}${isAlways ? '' : ', optional'}`, cell(field.description ?? '')]];
  });
  const parts = (found.allOf ?? []).flatMap((part) => fieldsOf(part, definitions));
  const forms = (found.anyOf ?? []).map((form) => fieldsOf(form, definitions));
  // A field that only some of the forms have.
  const inForms = forms.flat().map(([name, type, text]) => {
    const isOptional = type.endsWith(', optional') || forms.every((form) => form.some(([each]) => each === name));
    return [name, isOptional ? type : `${type}, optional`, text];
  });
  return [...new Map([...inForms, ...parts, ...own].map((row) => [row[0], row])).values()];
}

function resolve(schema, definitions) {
  if (schema.$ref === undefined) return schema;
  return definitions[decodeURIComponent(schema.$ref.replace('#/definitions/', ''))] ?? {};
}

function typeOf(schema, definitions) {
  if (schema.$ref !== undefined) return typeOf({ ...resolve(schema, definitions) }, definitions);
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(' ');
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.type === 'array')
    return schema.items === undefined ? 'array' : `array of ${typeOf(schema.items, definitions)}`;
  if (schema.anyOf !== undefined)
    return [...new Set(schema.anyOf.map((part) => typeOf(part, definitions)))].join(' or ');
  return Array.isArray(schema.type) ? schema.type.join(' or ') : (schema.type ?? 'any');
}

function cell(text) {
  return text.replaceAll('\n', ' ').replaceAll('|', '\\|');
}
