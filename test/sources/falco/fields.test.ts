import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { expect, it } from 'vitest';
import { outputsResponseFields, versionResponseFields } from '../../../src/sources/falco/fields.ts';

const proto = join(import.meta.dirname, '../../../proto/falco');
const root = new protobuf.Root();
root.resolvePath = (_origin, target) => (target.startsWith('google/') ? target : join(proto, target));
root.loadSync(readdirSync(proto), { keepCase: true });

it.each([
  ['falco.outputs.response', outputsResponseFields],
  ['falco.version.response', versionResponseFields],
])('the field numbers of %s are those of proto/', (name, fields) => {
  const declared = root.lookupType(name).fieldsArray.map((field) => [field.name, field.id]);
  expect(fields).toEqual(Object.fromEntries(declared));
});

it('the services have the methods that are called', () => {
  const methods = (name: string) =>
    root
      .lookupService(name)
      .methodsArray.map(({ name: method, requestStream, responseStream }) => [
        method,
        requestStream ?? false,
        responseStream ?? false,
      ]);
  expect(methods('falco.outputs.service')).toEqual([
    ['sub', true, true],
    ['get', false, true],
  ]);
  expect(methods('falco.version.service')).toEqual([['version', false, false]]);
});
