import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/model/finding.ts';
import { routeSchema, sinksNamed } from '../../src/route/schema.ts';
import { compileRoutes, explainRoutes, type Router } from '../../src/route/tree.ts';
import { aFinding } from '../support/finding.ts';

const sinks = [
  { name: 'ops' },
  { name: 'pager' },
  { name: 'chat', min_severity: 'medium' as const },
  { name: 'archive' },
];
const router = (config: object): Router => compileRoutes(routeSchema.parse(config), sinks);
const to = (config: object, finding: Finding = aFinding()) =>
  router(config)
    .route(finding)
    .map((target) => `${target.route} ${target.sink}`);

const unplaced = aFinding();
delete unplaced.exec.pod;

describe('a tree of routes', () => {
  it('without routes sends everything to all sinks', () => {
    expect(to({})).toEqual(['route ops', 'route pager', 'route chat', 'route archive']);
  });

  it('takes the first route that matches, and the root where none does', () => {
    const config = {
      sinks: ['archive'],
      routes: [
        { name: 'shop', match: { namespace: 'shop' }, sinks: ['ops'] },
        { name: 'high', match: { severity: '>=high' }, sinks: ['pager'] },
      ],
    };
    expect(to(config)).toEqual(['route/shop ops']);
    expect(to(config, unplacedIn('prod'))).toEqual(['route/high pager']);
    expect(to(config, { ...unplacedIn('prod'), severity: 'low' })).toEqual(['route archive']);
  });

  it('goes on to the next one where a route says so, and names each sink once', () => {
    const config = {
      routes: [
        { match: { severity: '>=high' }, sinks: ['pager', 'ops'], continue: true },
        { match: { namespace: 'shop' }, sinks: ['ops', 'chat'] },
        { sinks: ['archive'] },
      ],
    };
    expect(to(config)).toEqual(['route/0 pager', 'route/0 ops', 'route/1 chat']);
  });

  it('nests, and a nested route inherits what it does not say', () => {
    const config = {
      sinks: ['archive'],
      group_by: ['namespace'],
      routes: [
        {
          name: 'prod',
          match: { cluster: 'prod-*' },
          sinks: ['ops'],
          repeat_interval_secs: 60,
          routes: [
            { name: 'nc', match: { tool: 'nc' }, sinks: ['pager'] },
            { name: 'curl', match: { tool: 'curl' }, group_by: [] },
          ],
        },
      ],
    };
    const [target] = router(config).route(aFinding());
    expect(target).toMatchObject({
      sink: 'ops',
      route: 'route/prod/curl',
      policy: { repeat_interval_ms: 60_000 },
    });
    expect(target?.policy.group_by).toBeUndefined();
    const [other] = router(config).route(aFinding({ tool: 'wget' }));
    expect(other).toMatchObject({ sink: 'ops', route: 'route/prod', policy: { group_by: ['namespace'] } });
  });

  it('falls to the sinks of the parent where a route cannot be decided, looks further, and says so', () => {
    const config = {
      sinks: ['archive'],
      routes: [
        { name: 'shop', match: { namespace: 'shop' }, sinks: ['ops'] },
        { name: 'high', match: { severity: '>=high' }, sinks: ['pager'] },
      ],
    };
    expect(to(config, unplaced)).toEqual(['route archive', 'route/high pager']);
    const { lines, sinks: taken } = explainRoutes(router(config), unplaced);
    expect(taken).toEqual(['archive', 'pager']);
    expect(lines).toEqual([
      'route/shop  ? cannot be decided: the namespace is not known',
      'route  → taken: route/shop cannot be decided: the namespace is not known → archive',
      'route/high  ✓ matches: severity is high',
      'route/high  → taken → pager',
    ]);
  });

  it('holds a route by CEL and by short form to both', () => {
    const config = {
      sinks: ['archive'],
      routes: [{ match: { tool: 'curl' }, when: 'finding.exec.process.uid == 0', sinks: ['ops'] }],
    };
    expect(to(config)).toEqual(['route archive']);
    const root = aFinding();
    root.exec = { ...root.exec, process: { ...root.exec.process, uid: 0 } };
    expect(to(config, root)).toEqual(['route/0 ops']);
  });
});

describe('the lowest severity', () => {
  it('is the root’s, a chat sink’s own, or what a route says for it', () => {
    const low = aFinding({ severity: 'low' });
    expect(to({}, low)).toEqual(['route ops', 'route pager', 'route archive']);
    expect(to({}, aFinding({ severity: 'info' }))).toEqual([]);
    expect(to({ min_severity: 'info' }, aFinding({ severity: 'info' }))).toEqual([
      'route ops',
      'route pager',
      'route archive',
    ]);
    expect(to({ routes: [{ sinks: ['chat'], min_severity: 'low' }] }, low)).toEqual(['route/0 chat']);
    expect(to({ routes: [{ sinks: ['ops'], min_severity: 'critical' }] })).toEqual([]);
  });

  it('too low is said', () => {
    const { lines } = explainRoutes(router({ sinks: ['chat'] }), aFinding({ severity: 'low' }));
    expect(lines.at(-1)).toBe('route  ✗ too low: severity low: chat wants medium');
  });
});

describe('the configuration of routes', () => {
  it('names each problem at its place', () => {
    const result = routeSchema.safeParse({
      routes: [
        { match: { namspace: 'x', severity: 'hihg' } },
        { when: '1 +', routes: [{ match: { tool: [] } }] },
        { sinkz: [] },
      ],
    });
    const problems = result.error?.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`) ?? [];
    expect(problems).toEqual([
      expect.stringMatching(/^routes\.0\.match\.namspace: there is no field/),
      expect.stringMatching(/^routes\.0\.match\.severity: there is no severity/),
      expect.stringMatching(/^routes\.1\.when: not valid CEL/),
      expect.stringMatching(/^routes\.1\.routes\.0\.match\.tool: tool has an empty list/),
      expect.stringMatching(/^routes\.2: Unrecognized key/),
    ]);
  });

  it('tells all sinks it names, with the place', () => {
    const config = routeSchema.parse({ sinks: ['a'], routes: [{ routes: [{ sinks: ['b', 'c'] }] }] });
    expect(sinksNamed(config)).toEqual([
      { path: 'route.sinks', sink: 'a' },
      { path: 'route.routes.0.routes.0.sinks', sink: 'b' },
      { path: 'route.routes.0.routes.0.sinks', sink: 'c' },
    ]);
  });
});

function unplacedIn(namespace: string): Finding {
  const finding = aFinding();
  finding.exec = { ...finding.exec, pod: { ...finding.exec.pod!, namespace } };
  return finding;
}
