import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/model/finding.ts';
import { indexMatches } from '../../src/route/anchors.ts';
import { compileExceptions } from '../../src/route/exceptions.ts';
import { type ExceptionConfig, exceptionSchema } from '../../src/route/exceptions-schema.ts';
import { type RouteConfig, routeSchema } from '../../src/route/schema.ts';
import { compileRoutes } from '../../src/route/tree.ts';
import { aFinding } from '../support/finding.ts';

const value = (...known: string[]) => fc.constantFrom(...known);
const pattern = (...known: string[]) =>
  fc.oneof(value(...known), fc.array(value(...known), { minLength: 1, maxLength: 3 }));
const match = fc.record(
  {
    tool: pattern('curl', 'wget', 'c*', '!curl', '>=5', 'cur[l]'),
    category: pattern('download', '!download', 'x'),
    repository: pattern('r/a', 'r/b', 'r/*', '!r/a', 'r/[*]'),
    namespace: pattern('shop', 'prod', '!shop', ''),
    image: pattern('r/a', 'r/a:1', 'r/**'),
    digest: pattern('sha256:1', 'sha256:2'),
    binary: pattern('/usr/bin/curl', '**/wget', '/opt/[*]'),
    args: fc.array(value('-s', 'a b', '*', '**', '[*]', '*.x', '!a'), { maxLength: 3 }),
    command_line: pattern('curl -s', 'curl **', 'curl -s a b'),
    severity: value('>=low', 'high', '<=medium'),
  },
  { requiredKeys: [] },
);
const finding: fc.Arbitrary<Finding> = fc
  .record({
    tool: fc.option(value('curl', 'wget', '>=5', '7'), { nil: undefined }),
    repository: fc.option(value('r/a', 'r/b', 'r/*', ''), { nil: undefined }),
    namespace: fc.option(value('shop', 'prod', ''), { nil: undefined }),
    digest: fc.option(value('r/a@sha256:1', 'sha256:2'), { nil: undefined }),
    binary: fc.option(value('/usr/bin/curl', '/bin/wget', '/opt/*'), { nil: undefined }),
    words: fc.array(value('-s', 'a b', 'a', 'b', '*', 'p.x', '!a'), { maxLength: 3 }),
    quality: value('exact', 'split', 'truncated', 'lost'),
    severity: value('low', 'medium', 'high'),
  })
  .map(({ tool, repository, namespace, digest, binary, words, quality, severity }) => {
    const { tool: _tool, ...base } = aFinding({ severity: severity as Finding['severity'], indicators: [] });
    const { image: _image, pod: _pod, ...exec } = base.exec;
    const image = {
      ...(repository !== undefined && { repository, tag: '1' }),
      ...(digest !== undefined && { digest }),
    };
    return {
      ...base,
      ...(tool !== undefined && { tool }),
      exec: {
        ...exec,
        image,
        ...(namespace !== undefined && { pod: { namespace, name: 'p' } }),
        process: {
          ...(binary !== undefined && { binary }),
          argv: ['curl', ...words],
          argv_quality: quality as 'exact',
          argv0_known: true,
          ...(quality !== 'exact' && { arguments: words.join(' ') }),
        },
      },
    };
  });

const exceptions: fc.Arbitrary<ExceptionConfig[]> = fc
  .array(fc.tuple(match, value('hide', 'count', 'lower'), fc.boolean()), { maxLength: 12 })
  .map((all) =>
    all.map(([one, mode, cel], index) =>
      exceptionSchema.parse({
        name: `e${index}`,
        reason: 'r',
        ...(Object.keys(one).length > 0 && { match: one }),
        ...((cel || Object.keys(one).length === 0) && { when: 'finding.score > 10.0' }),
        mode: mode === 'lower' ? { lower: 'info' } : mode,
      }),
    ),
  );

interface Drawn {
  match: object;
  goesOn: boolean;
  below: Drawn[];
}
const { tree } = fc.letrec<{ tree: Drawn[] }>((tie) => ({
  tree: fc.array(
    fc.record({
      match,
      goesOn: fc.boolean(),
      below: fc.oneof({ maxDepth: 2 }, fc.constant([]), tie('tree')) as fc.Arbitrary<Drawn[]>,
    }),
    { maxLength: 4 },
  ),
}));
let numbered = 0;
/** What only exceptions match on is left out. */
const routeMatch = (fits: object) =>
  Object.fromEntries(
    Object.entries(fits).filter(([key]) => !/^(repository|digest|args|command_line)$/.test(key)),
  );
const routeOf = ({ match: fits, goesOn, below }: Drawn): object => ({
  match: routeMatch(fits),
  continue: goesOn,
  sinks: [`s${numbered++ % 5}`],
  routes: below.map(routeOf),
});

describe('looking up what may match', () => {
  it('gives what trying each exception in turn gives', () => {
    fc.assert(
      fc.property(exceptions, finding, (configs, one) => {
        const compiled = compileExceptions(configs);
        // Whoever listens hears every exception, so that each is tried.
        expect(compiled.apply(one)).toEqual(compiled.apply(one, () => {}));
      }),
      { numRuns: 1500 },
    );
  });

  it('gives the sinks that trying each route in turn gives', () => {
    const sinks = ['s0', 's1', 's2', 's3', 's4'].map((name) => ({ name }));
    fc.assert(
      fc.property(tree, finding, (drawn, one) => {
        const config: RouteConfig = routeSchema.parse({ min_severity: 'info', routes: drawn.map(routeOf) });
        const router = compileRoutes(config, sinks);
        expect(router.route(one)).toEqual(router.route(one, undefined, true));
      }),
      { numRuns: 1000 },
    );
  });

  it('looks at few of many, also where facts are missing', () => {
    const many = Array.from({ length: 1000 }, (_, i) => ({
      tool: i % 2 === 0 ? 'curl' : 'wget',
      repository: `r/${i}`,
      args: ['-s', `http://h/${i % 10}`],
    }));
    const candidates = indexMatches([...many, undefined, { severity: 'low' }]);
    const known = aFinding();
    known.exec.image = { repository: 'r/7' };
    expect(candidates(known)).toEqual([7, 1000, 1001]);
    const { image: _image, ...exec } = known.exec;
    expect(candidates({ ...known, tool: 'nmap', exec })).toEqual([1000, 1001]);
  });
});

it('a finding that lacks a fact is not swamped with notes', () => {
  const { exec, ...finding } = aFinding({ indicators: [] });
  const { image: _image, ...bare } = exec;
  const configs = Array.from({ length: 1000 }, (_, i) =>
    exceptionSchema.parse({ name: `e${i}`, reason: 'r', match: { tool: 'curl', repository: `r/${i}` } }),
  );
  const last = exceptionSchema.parse({ name: 'last', reason: 'r', match: { tool: 'curl' } });
  const { finding: noted, hidden } = compileExceptions([...configs, last]).apply({ ...finding, exec: bare });
  expect(hidden).toBe(true);
  expect(noted.exceptions).toHaveLength(21);
  expect(noted.exceptions?.at(-1)).toMatchObject({ name: 'last', applied: true });
});
