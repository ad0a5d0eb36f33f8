import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { configOrDefaults } from '../../src/commands/defaults.ts';
import { replay } from '../../src/commands/replay.ts';
import { findingJsonSchema, noticeJsonSchema } from '../../src/commands/schemas.ts';
import { testFinding } from '../../src/commands/test-finding.ts';
import type { Finding } from '../../src/model/finding.ts';
import { openReplayPipeline } from '../../src/service/replay.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { aFinding } from '../support/finding.ts';
import { fixture } from '../support/fixtures.ts';

const pages = {
  'finding.schema.json': findingJsonSchema(),
  'notice.schema.json': noticeJsonSchema(),
};

/** `closed`: as published, and what is not described is refused, on every level. */
function validator(page: keyof typeof pages, closed = false): ValidateFunction {
  const ajv = new Ajv2020({ allErrors: true, strict: true });
  addFormats.default(ajv);
  const schema = JSON.parse(pages[page], (_key, value: unknown) => {
    if (!closed || typeof value !== 'object' || value === null) return value;
    const isObject = 'type' in value && value.type === 'object' && 'properties' in value;
    return isObject ? { ...value, additionalProperties: false } : value;
  }) as object;
  return ajv.compile(schema);
}

function problems(validate: ValidateFunction, value: unknown): string[] {
  validate(value);
  const words = (params: object) => Object.values(params).join(' ');
  return (validate.errors ?? []).map((one) => `${one.instancePath} ${one.message} ${words(one.params)}`);
}

/** What `lanner replay --json` prints of a recording. */
async function replayed(recording: string): Promise<Finding[]> {
  const heard: Finding[] = [];
  const printed: Finding[] = [];
  const config = configOrDefaults(undefined);
  const { pipeline } = openReplayPipeline({
    config,
    log: silentLog,
    deliver: false,
    onFinding: (finding) => heard.push(finding),
  });
  await replay([fixture(`recordings/${recording}`)], pipeline, heard, {
    json: true,
    out: { write: (line) => printed.push(JSON.parse(line) as Finding) > 0, once: () => {} },
    paint: (_style, text) => text,
    log: silentLog,
  });
  return printed.filter(({ schema }) => schema === 'lanner.finding/v1');
}

/** The body of a golden file. */
function golden(name: string): unknown {
  return (JSON.parse(readFileSync(fixture(`formats/lanner.${name}.json`), 'utf8')) as { body: unknown }).body;
}

describe('the published JSON Schemas', () => {
  it.each(Object.entries(pages))('%s is what `npm run generate` would write now', (name, page) => {
    const written = readFileSync(join(import.meta.dirname, '../../deploy/reference', name), 'utf8');
    expect(written === page, 'stale: run npm run generate').toBe(true);
  });

  it.each([
    'tetragon/scenario-k8s.bin.gz',
    'tetragon/scenario.bin.gz',
    'falco/scenario.bin.gz',
    'falco/scenario.http.jsonl.gz',
  ])('take every finding of %s, and describe each of its keys', async (recording) => {
    const validate = validator('finding.schema.json', true);
    const findings = await replayed(recording);
    expect(findings.length).toBeGreaterThan(30);
    const found = findings.flatMap((finding) => problems(validate, finding));
    expect([...new Set(found)]).toEqual([]);
  });

  it.each([
    ['a finding', 'finding.schema.json', golden('finding')],
    ['one with the least facts', 'finding.schema.json', golden('bare')],
    ['one for a group', 'finding.schema.json', golden('group')],
    ['the test finding', 'finding.schema.json', testFinding(new Date(0))],
    ['a notice of a start', 'notice.schema.json', golden('notice_started')],
    ['a notice of an end', 'notice.schema.json', golden('notice_ended')],
  ] as const)('take %s as the format lanner sends it', (_what, page, body) => {
    expect(problems(validator(page, true), body)).toEqual([]);
  });

  it.each([
    ['no id', { id: undefined }, "must have required property 'id'"],
    ['another version', { schema: 'lanner.finding/v2' as never }, '/schema must be equal to constant'],
    ['an unknown severity', { severity: 'severe' as never }, '/severity must be equal to one of'],
    ['a time that is none', { time: 'yesterday' }, '/time must match format'],
    ['revision 0', { revision: 0 }, '/revision must be >= 1'],
    [
      'an exec without ancestors',
      { exec: { ...aFinding().exec, ancestors: undefined as never } },
      '/exec must',
    ],
    ['a text in place of a list', { why: 'a text' as never }, '/why must be array'],
  ])('refuse a finding with %s', (_what, change, problem) => {
    const finding = JSON.parse(JSON.stringify({ ...aFinding(), ...change })) as unknown;
    expect(problems(validator('finding.schema.json'), finding).join('\n')).toContain(problem);
  });

  it('take keys of a later version, which only adds', () => {
    const later = { ...aFinding(), added: 1, exec: { ...aFinding().exec, added: 1 } };
    expect(problems(validator('finding.schema.json'), later)).toEqual([]);
    expect(problems(validator('finding.schema.json', true), later)).toHaveLength(2);
  });
});
