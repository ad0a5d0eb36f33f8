// Writes what is generated from other files of the repository; `--check` only says whether it is fresh.
//   src/sources/<sensor>/fields.ts   field numbers of proto/<sensor>/*.proto, for the decoders that walk bytes
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

function snake(name) {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
}

/**
 * `export const processFields = { exec_id: 1, … }` for each message of a sensor's protos. A name is a message's
 * own or, where two packages use it, `package.message`. Enums likewise: `export const eventTypeValues = { … }`.
 */
export function fieldsModule(sensor, messages) {
  const folder = join(root, 'proto', sensor);
  const found = [];
  for (const file of readdirSync(folder).sort()) {
    const { root: parsed } = protobuf.parse(readFileSync(join(folder, file), 'utf8'), { keepCase: true });
    const visit = (namespace) => {
      for (const nested of namespace.nestedArray) {
        if (nested instanceof protobuf.Type || nested instanceof protobuf.Enum) found.push(nested);
        if (nested.nestedArray) visit(nested);
      }
    };
    visit(parsed);
  }
  const constants = messages.map((name) => {
    const type = found.find((one) => one.name === name || one.fullName.endsWith(`.${name}`));
    if (type === undefined) throw new Error(`proto/${sensor} has no message ${name}`);
    const constant = snake(name).replace(/[_.]([a-z])/g, (_, letter) => letter.toUpperCase());
    if (type instanceof protobuf.Enum) return constantOf(`${constant}Values`, Object.entries(type.values));
    return constantOf(`${constant}Fields`, type.fieldsArray.map((field) => [field.name, field.id]));
  });
  return `// Written by \`npm run generate\` from proto/${sensor}/*.proto.\n\n${constants.join('\n')}`;
}

function constantOf(name, entries) {
  return `export const ${name} = {\n${entries.map(([key, number]) => `  ${key}: ${number},\n`).join('')}} as const;\n`;
}

export const outputs = {
  'src/sources/falco/fields.ts': () => fieldsModule('falco', ['outputs.response', 'version.response']),
  'src/sources/tetragon/fields.ts': () =>
    fieldsModule('tetragon', [
      'GetEventsResponse',
      'ProcessExec',
      'ProcessExit',
      'ProcessThrottle',
      'RateLimitInfo',
      'Process',
      'Pod',
      'Container',
      'Image',
      'BinaryProperties',
      'FileProperties',
      'InodeProperties',
      'SecurityContext',
      'GetEventsRequest',
      'Filter',
      'FieldFilter',
      'EventType',
      'FieldFilterAction',
      'GetVersionResponse',
    ]),
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const check = process.argv.includes('--check');
  let stale = 0;
  for (const [path, make] of Object.entries(outputs)) {
    const wanted = make();
    let present = '';
    try {
      present = readFileSync(join(root, path), 'utf8');
    } catch {}
    if (present === wanted) continue;
    stale += 1;
    if (check) process.stderr.write(`${path} is stale: run npm run generate\n`);
    else writeFileSync(join(root, path), wanted);
  }
  if (check && stale > 0) process.exitCode = 1;
}
