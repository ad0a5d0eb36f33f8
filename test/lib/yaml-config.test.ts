import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { nearest } from '../../src/lib/nearest.ts';
import { loadYaml } from '../../src/lib/yaml-config.ts';

const schema = z.strictObject({
  version: z.literal(1),
  sources: z
    .record(
      z.string(),
      z.discriminatedUnion('type', [
        z.strictObject({
          type: z.literal('tetragon'),
          address: z.string().default('unix:///x'),
          timeout_secs: z.number().default(1),
        }),
        z.strictObject({ type: z.literal('falco'), url: z.url(), tags: z.array(z.string()).default([]) }),
      ]),
    )
    .default({}),
  level: z.enum(['info', 'warn', 'error']).default('info'),
});

function problems(text: string, env: Record<string, string> = {}): string[] {
  const loaded = loadYaml(text, schema, env);
  return loaded.ok
    ? []
    : loaded.problems.map((one) => `${one.line}:${one.column} ${one.path}: ${one.message}`);
}

describe('a configuration file', () => {
  it.each([
    [
      'an unknown key, with the nearest one',
      'version: 1\nlevl: info\n',
      ['2:1 levl: unknown key "levl"; did you mean level? Known: level, sources, version'],
    ],
    [
      'a key that looks like none',
      'version: 1\nqqq: 1\n',
      ['2:1 qqq: unknown key "qqq". Known: level, sources, version'],
    ],
    [
      'an unknown key inside the chosen kind',
      'version: 1\nsources:\n  a:\n    type: tetragon\n    adress: x\n',
      [
        '5:5 sources.a.adress: unknown key "adress"; did you mean address? Known: address, timeout_secs, type',
      ],
    ],
    [
      'an unknown kind',
      'version: 1\nsources:\n  a: {type: falko}\n',
      ['3:7 sources.a.type: unknown value "falko"; did you mean falco? Known: falco, tetragon'],
    ],
    [
      'a missing kind',
      'version: 1\nsources:\n  a: {}\n',
      ['3:3 sources.a: `type` is missing; it is one of tetragon, falco'],
    ],
    [
      'a missing key',
      'version: 1\nsources:\n  a: {type: falco}\n',
      ['3:3 sources.a.url: is missing (string)'],
    ],
    [
      'a value of the wrong type',
      'version: 1\nsources:\n  a: {type: tetragon, timeout_secs: soon}\n',
      ['3:23 sources.a.timeout_secs: invalid input: expected number, received string'],
    ],
    [
      'a wrong item of a list',
      'version: 1\nsources:\n  a:\n    type: falco\n    url: https://x\n    tags: [a, 2]\n',
      ['6:15 sources.a.tags.1: invalid input: expected string, received number'],
    ],
    [
      'an unknown word',
      'version: 1\nlevel: wran\n',
      ['2:1 level: unknown value "wran"; did you mean warn? Known: error, info, warn'],
    ],
    [
      'a key given twice',
      'version: 1\nlevel: info\nlevel: warn\n',
      ['3:1 : not valid YAML: Map keys must be unique'],
    ],
    ['broken YAML', 'version: [1\n', expect.arrayContaining([expect.stringContaining('not valid YAML')])],
    ['an empty file', '', ['0:0 version: is missing (1)']],
  ])('names %s', (_what, text, expected) => {
    expect(problems(text)).toEqual(expected);
  });

  it('reports all problems at once, in the order of the file', () => {
    const found = problems(
      'version: 1\nlevl: x\nsources:\n  a: {type: nope}\n  b: {type: falco}\nlevel: loud\n',
    );
    expect(found.map((one) => one.split(':')[0])).toEqual(['2', '4', '5', '6']);
  });

  it('takes values from the environment, with defaults', () => {
    const text = 'version: 1\nsources:\n  a: {type: falco, url: "https://${HOST}/${PATH_PART:-hook}"}\n';
    const loaded = loadYaml(text, schema, { HOST: 'example.test' });
    expect(loaded.ok && loaded.value.sources.a).toMatchObject({ url: 'https://example.test/hook' });
  });

  it('names what the environment lacks', () => {
    expect(problems('version: 1\nsources:\n  a: {type: tetragon, address: "${NOWHERE}"}\n')).toEqual([
      '3:32 : the environment has no NOWHERE; set it, or give a default: ${NOWHERE:-…}',
    ]);
  });

  it('never shows a value that came from the environment', () => {
    const text =
      'version: 1\nsources:\n  a: {type: falco, url: "${SECRET}"}\n  b: {type: "${SECRET}"}\nlevel: "${SECRET}"\n';
    expect(problems(text, { SECRET: 'hunter2' }).join('\n')).not.toContain('hunter2');
    expect(problems(text, { SECRET: 'hunter2' })).toHaveLength(3);
  });
});

describe('the nearest name', () => {
  it.each([
    ['adress', 'address'],
    ['time_out_secs', 'timeout_secs'],
    ['zzzzzz', undefined],
    ['', undefined],
  ])('to %j is %j', (written, expected) => {
    expect(nearest(written, ['address', 'timeout_secs', 'type'])).toBe(expected);
  });
});
