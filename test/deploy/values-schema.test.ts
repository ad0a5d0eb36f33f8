import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { chart, presets, valuesOf } from '../../.ci/deploy.mjs';

type Values = Record<string, unknown>;
const read = (file: string) => parse(readFileSync(file, 'utf8')) as Values;
const schema = JSON.parse(readFileSync(join(chart, 'values.schema.json'), 'utf8')) as {
  properties: Record<string, object>;
};
const valid = new Ajv({ allErrors: true, strict: true, strictRequired: false }).compile(schema);
const defaults = read(join(chart, 'values.yaml'));
const isMap = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** As helm lays values over each other. */
function over(below: Values, above: Values): Values {
  const merged = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const former = merged[key];
    merged[key] = isMap(former) && isMap(value) ? over(former, value) : value;
  }
  return merged;
}
const problems = (...more: Values[]) => {
  valid(more.reduce(over, defaults));
  return (valid.errors ?? []).map(({ instancePath, params }) =>
    [instancePath, ...Object.values(params as Record<string, unknown>)].join(' '),
  );
};
const tetragon = read(valuesOf('tetragon'));

describe("the schema of the chart's values", () => {
  it('knows exactly the values there are', () => {
    expect(Object.keys(schema.properties).sort()).toEqual([...Object.keys(defaults), 'global'].sort());
  });

  it.each([
    ...presets.map((preset) => [preset, valuesOf(preset)]),
    ['everything', join(import.meta.dirname, '../fixtures/deploy/everything.yaml')],
  ])('takes %s', (_name, file) => {
    expect(problems(read(file!))).toEqual([]);
  });

  it('wants a source: the defaults alone are not enough', () => {
    expect(problems()).toEqual(['/config/sources 1']);
  });

  it.each<[string, Values, string]>([
    ['an unknown value', { imagee: {} }, ' imagee'],
    ['an unknown value below', { image: { tagg: '1' } }, '/image tagg'],
    ['no image', { image: { repository: '' } }, '/image/repository 1'],
    [
      'a pull policy there is not',
      { image: { pullPolicy: 'Sometimes' } },
      '/image/pullPolicy Always,IfNotPresent,Never',
    ],
    ['a port that is none', { http: { port: 0 } }, '/http/port >= 1'],
    ['a port in quotes', { falcoHttp: { port: '2810' } }, '/falcoHttp/port integer'],
    ['a configuration that takes over what the chart sets', { config: { http: {} } }, '/config'],
    ['a file of exceptions beside the one of the chart', { config: { exceptions_file: 'a' } }, '/config'],
    ['an exception without a reason', { exceptions: [{ name: 'a', match: {} }] }, '/exceptions/0 reason'],
    [
      'an environment name that is none',
      { secretEnv: { 'a-b': { secret: 's', key: 'k' } } },
      '/secretEnv a-b',
    ],
    ['a Secret without its key', { secretEnv: { A: { secret: 's' } } }, '/secretEnv/A key'],
    ['a relative state folder', { state: { hostPath: 'var' } }, '/state/hostPath ^(/.+)?$'],
    ['a relative socket folder', { sensorSocketFolder: 'run' }, '/sensorSocketFolder ^(/.+)?$'],
    ['a user by name', { runAsUser: 'root' }, '/runAsUser integer'],
    [
      'an address without its length',
      { networkPolicy: { apiServer: { cidr: '10.0.0.1' } } },
      '/networkPolicy/apiServer/cidr ^[0-9a-fA-F.:]+/[0-9]{1,3}$',
    ],
    [
      'an egress rule with from',
      { networkPolicy: { egress: [{ from: [] }] } },
      '/networkPolicy/egress/0 from',
    ],
    [
      'an interval without its unit',
      { podMonitor: { interval: '30' } },
      '/podMonitor/interval ^[0-9]+(ms|s|m|h)$',
    ],
    [
      'a priority of the system',
      { priorityClass: { value: 2000000000 } },
      '/priorityClass/value <= 1000000000',
    ],
    [
      'a strategy there is not',
      { updateStrategy: { type: 'Recreate' } },
      '/updateStrategy/type RollingUpdate,OnDelete',
    ],
    ['one toleration for a list', { tolerations: { operator: 'Exists' } }, '/tolerations array'],
    ['a mount without its path', { extraVolumeMounts: [{ name: 'a' }] }, '/extraVolumeMounts/0 mountPath'],
  ])('refuses %s', (_what, values, problem) => {
    expect(problems(tetragon, values).map((one) => one.slice(0, problem.length))).toContain(problem);
  });
});
