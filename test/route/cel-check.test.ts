import { describe, expect, it } from 'vitest';
import { loadYaml } from '../../src/lib/yaml-config.ts';
import { checkedCel } from '../../src/route/cel.ts';
import { exceptionsFileSchema } from '../../src/route/exceptions-schema.ts';
import { routeSchema } from '../../src/route/schema.ts';
import { aFinding } from '../support/finding.ts';

it.each([
  ['an exception', 'exceptions: [{name: a, reason: r, when: "finding.tol == 1"}]', exceptionsFileSchema],
  ['a route', 'routes: [{when: "finding.tol == 1"}]', routeSchema],
])('%s says where its CEL is wrong: in the file, and in the expression', (_what, text, schema) => {
  const loaded = loadYaml(`\n${text}\n`, schema, {});
  expect(loaded.ok ? [] : loaded.problems).toMatchObject([
    {
      line: 2,
      column: text.indexOf('when') + 1,
      message: expect.stringMatching(/^at 1:8 of the CEL: there is no field tol/),
    },
  ]);
});

describe('CEL that is checked', () => {
  it.each([
    ["finding.tool == 'curl'", 'yes'],
    ['finding.score >= 50', 'yes'],
    ['finding.score > 75.5', 'no'],
    ["finding.exec.pod.namespace == 'shop' && finding.tool in ['curl', 'wget']", 'yes'],
    ["finding.indicators.exists(i, i.id == 'web_server_ancestor' && i.hard)", 'yes'],
    ["finding.exec.ancestors.exists(a, a.argv.exists(w, w == 'nope'))", 'no'],
    ["finding.exec.pod.labels['team'] == 'shop'", 'yes'],
    ["finding.exec.pod.labels.team.startsWith('sh')", 'yes'],
    ["finding.exec.process.argv[0] == 'curl'", 'yes'],
    ["size(finding.exec.ancestors) == 2 && finding.title.matches('^curl')", 'yes'],
    ['has(finding.test)', 'no'],
    ["finding.exec.pod.service_account == 'x'", 'unknown'],
  ])('%s: %s', (expression, is) => {
    expect(checkedCel(expression)(aFinding()).is).toBe(is);
  });

  it.each([
    ['finding.tool = 1', /not valid CEL: 1:14/],
    ["finding.tol == 'curl'", /^at 1:8 of the CEL: there is no field tol\. Known: schema, /],
    ["finding.tool == 'a' ||\n finding.exec.pood.name == 'b'", /^at 2:14 of the CEL: there is no field pood/],
    ['finding.tool == 5', /text is compared with a whole number/],
    ["finding.score > '5'", /a number is compared with text/],
    ['finding.tool', /gives text, not yes or no/],
    ['finding.tool && true', /takes yes or no, not text/],
    ['event.tool == "x"', /there is no event; use finding/],
    ['finding.score.startsWith("x")', /startsWith is for text, not for a number/],
    ['finding.tool.startsWith(5)', /startsWith takes text/],
    ['finding.tool.explode()', /there is no function explode/],
    ['finding.score.exists(i, true)', /a number is nothing to go over/],
    [
      'finding.exec.process.argv.exists(a, finding.exec.process.argv.exists(b, a == b))',
      /inner loop must go over a part of a/,
    ],
    [
      'finding.exec.process.argv.exists(a, a in finding.why)',
      /^at 1:\d+ of the CEL: within a loop only a part of a can be searched/,
    ],
    ['finding.why.exists(a, finding.why == finding.mitre)', /within a loop only a part of a can be searched/],
    [
      'finding.indicators.exists(a, a.mitre.exists(b, a.mitre.exists(c, b == c)))',
      /loops within loops cost too much: at most 2 deep/,
    ],
    [
      'finding.title.matches(finding.exec.process.cwd)',
      /^at 1:\d+ of the CEL: matches takes a pattern that is written/,
    ],
    ['finding.title.matches("(a{100}){100}b{1}")', /its \{n\} add up to 201, at most 200/],
    ['finding.title.matches("(")', /^at 1:23 of the CEL: not a valid pattern/],
    [`finding.why.exists(a, ${'a == "x" || '.repeat(200)}true)`, /too long: more than 400 operations/],
    [`finding.tool == "${'x'.repeat(5000)}"`, /too long: \d+ characters/],
  ])('%s is refused', (expression, message) => {
    expect(() => checkedCel(expression)).toThrow(message);
  });

  it.each([
    ['a loop', "finding.exec.process.argv.exists(a, a == 'x' || a == 'y' || a == 'z')"],
    [
      'a search',
      "'x' in finding.exec.process.argv && 'y' in finding.exec.process.argv || 'z' in finding.why",
    ],
    ['the same text again and again', "finding.exec.process.argv.exists(a, finding.title.contains('y'))"],
    ['a pattern', "finding.exec.process.argv.exists(a, a.matches('^[a-z]{1,40}$'))"],
  ])('a finding that %s costs too much on is not decided, an ordinary one is', (_what, expression) => {
    const huge = aFinding();
    huge.exec.process.argv = Array.from({ length: 800_000 }, () => 'xx');
    const matches = checkedCel(expression);
    expect(matches(huge)).toEqual({
      is: 'unknown',
      why: expect.stringMatching(/costs too much here: \d+ steps/),
    });
    expect(matches(aFinding()).is).toMatch(/yes|no/);
  });

  it('does not decide by words that are not exact', () => {
    const finding = aFinding();
    finding.exec.process.argv_quality = 'split';
    expect(checkedCel("'-fsSL' in finding.exec.process.argv")(finding).is).toBe('unknown');
    expect(checkedCel("finding.tool == 'curl'")(finding).is).toBe('yes');
    expect(checkedCel("finding.exec.ancestors.exists(a, 'x' in a.argv)")(finding).is).toBe('no');
    finding.exec.ancestors[1]!.argv_quality = 'lost';
    expect(checkedCel("finding.exec.ancestors.exists(a, 'x' in a.argv)")(finding).is).toBe('unknown');
  });
});
