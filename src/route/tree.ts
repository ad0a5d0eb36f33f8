import { compareSeverity, type Finding, type Severity } from '../model/finding.ts';
import { type Candidates, indexMatches } from './anchors.ts';
import { checkedCel } from './cel.ts';
import type { FieldName } from './fields.ts';
import { all, compileMatch, type Decision, type Match, type Matcher } from './match.ts';
import type { ChildRouteConfig, RouteConfig } from './schema.ts';

/** How the notices of a route are held back. Milliseconds. */
export interface NoticePolicy {
  /** Undefined: each finding by itself. */
  group_by?: readonly FieldName[];
  group_wait_ms: number;
  group_interval_ms: number;
  repeat_interval_ms: number;
  rate_limit?: { count: number; per_ms: number };
}

/** One sink a finding takes. */
export interface Target {
  sink: string;
  /** The route that decided, such as `route/prod/pager`. */
  route: string;
  policy: NoticePolicy;
}

/** One decision on the way, for `lanner routes test` and the log. */
export interface RouteStep {
  route: string;
  decision: Decision | { is: 'taken' | 'below' | 'repeated'; why: string };
  sinks?: readonly string[];
}

export interface Router {
  /**
   * Every sink at most once. `note` hears each decision, those of routes that say no only with `all`: they
   * are looked up by the values they need, not tried in turn. Pure.
   */
  route(finding: Finding, note?: (step: RouteStep) => void, all?: boolean): Target[];
}

/** What the router must know of a sink. */
export interface SinkTraits {
  name: string;
  /** Applies where no route says otherwise; chat sinks have `medium`. */
  min_severity?: Severity | undefined;
}

interface Node {
  path: string;
  matches: Matcher;
  goesOn: boolean;
  sinks: readonly string[];
  /** Said by this route or one above it, below the root. */
  minSeverity: Severity | undefined;
  policy: NoticePolicy;
  routes: Node[];
  candidates: Candidates;
}

const defaultPolicy: NoticePolicy = {
  group_wait_ms: 10_000,
  group_interval_ms: 300_000,
  repeat_interval_ms: 14_400_000,
};

/** Compiles the tree. The configuration has been validated; throws an Error on what it should have refused. */
export function compileRoutes(config: RouteConfig, sinks: readonly SinkTraits[]): Router {
  const floor = config.min_severity;
  const ownMinimum = new Map(sinks.map((sink) => [sink.name, sink.min_severity]));
  const root = compileNode(
    { ...config, min_severity: undefined, match: undefined, when: undefined, continue: false },
    'route',
    { sinks: sinks.map((sink) => sink.name), minSeverity: undefined, policy: defaultPolicy },
  );

  function take(node: Node, finding: Finding, why: string, note: (step: RouteStep) => void): Target[] {
    const targets: Target[] = [];
    const below: string[] = [];
    for (const sink of node.sinks) {
      const minimum = node.minSeverity ?? ownMinimum.get(sink) ?? floor;
      if (compareSeverity(finding.severity, minimum) < 0) below.push(`${sink} wants ${minimum}`);
      else targets.push({ sink, route: node.path, policy: node.policy });
    }
    note({ route: node.path, decision: { is: 'taken', why }, sinks: targets.map((target) => target.sink) });
    if (below.length > 0) {
      const said = `severity ${finding.severity}: ${below.join(', ')}`;
      note({ route: node.path, decision: { is: 'below', why: said } });
    }
    return targets;
  }

  function visit(node: Node, finding: Finding, note: (step: RouteStep) => void, every: boolean): Target[] {
    const targets: Target[] = [];
    let decided = false;
    for (const index of every ? node.routes.keys() : node.candidates(finding)) {
      const child = node.routes[index]!;
      const decision = child.matches(finding);
      note({ route: child.path, decision });
      if (decision.is === 'no') continue;
      decided = true;
      if (decision.is === 'unknown') {
        // It might have matched: its parent's sinks are the safe side, and the routes after it are looked at.
        targets.push(...take(node, finding, `${child.path} cannot be decided: ${decision.why}`, note));
        continue;
      }
      targets.push(...visit(child, finding, note, every));
      if (!child.goesOn) break;
    }
    if (!decided)
      targets.push(...take(node, finding, node.routes.length > 0 ? 'no route below matches' : '', note));
    return targets;
  }

  return {
    route(finding, note = () => {}, every = false) {
      const bySink = new Map<string, Target>();
      for (const target of visit(root, finding, note, every)) {
        const former = bySink.get(target.sink);
        // Of two ways to one sink, the one that does not hold it back.
        if (!former || (former.policy.group_by && !target.policy.group_by)) bySink.set(target.sink, target);
        if (former)
          note({
            route: target.route,
            decision: { is: 'repeated', why: `${target.sink} has it from ${former.route}` },
          });
      }
      return [...bySink.values()];
    },
  };
}

/** The lowest severity that any route or sink wants: findings below need not be made. */
export function lowestSeverity(config: RouteConfig, sinks: readonly SinkTraits[]): Severity {
  const wanted: Severity[] = [config.min_severity];
  for (const sink of sinks) if (sink.min_severity !== undefined) wanted.push(sink.min_severity);
  const visit = (routes: readonly ChildRouteConfig[]) => {
    for (const route of routes) {
      if (route.min_severity !== undefined) wanted.push(route.min_severity);
      visit(route.routes);
    }
  };
  visit(config.routes);
  return wanted.reduce((lowest, each) => (compareSeverity(each, lowest) < 0 ? each : lowest));
}

type Inherited = Pick<Node, 'sinks' | 'minSeverity' | 'policy'>;

function compileNode(
  config: Omit<ChildRouteConfig, 'name'> & { name?: string | undefined },
  path: string,
  above: Inherited,
): Node {
  const matchers = [
    ...(config.match ? [compileMatch(config.match as Match)] : []),
    ...(config.when === undefined ? [] : [checkedCel(config.when)]),
  ];
  const own: Inherited = {
    sinks: config.sinks ?? above.sinks,
    minSeverity: config.min_severity ?? above.minSeverity,
    policy: policyOf(config, above.policy),
  };
  return {
    path,
    matches: all(matchers),
    goesOn: config.continue,
    ...own,
    routes: config.routes.map((route, index) => compileNode(route, `${path}/${route.name ?? index}`, own)),
    candidates: indexMatches(config.routes.map(({ match }) => match as Match | undefined)),
  };
}

function policyOf(config: Omit<ChildRouteConfig, 'name'>, above: NoticePolicy): NoticePolicy {
  const { group_by, rate_limit } = config;
  const { group_by: _groupBy, ...times } = above;
  const grouped = group_by === undefined ? above.group_by : group_by.length === 0 ? undefined : group_by;
  const ms = (secs: number | undefined, inherited: number) => (secs === undefined ? inherited : secs * 1000);
  return {
    ...times,
    group_wait_ms: ms(config.group_wait_secs, above.group_wait_ms),
    group_interval_ms: ms(config.group_interval_secs, above.group_interval_ms),
    repeat_interval_ms: ms(config.repeat_interval_secs, above.repeat_interval_ms),
    ...(grouped ? { group_by: grouped } : {}),
    ...(rate_limit ? { rate_limit: { count: rate_limit.count, per_ms: rate_limit.per_secs * 1000 } } : {}),
  };
}

/** The route a finding takes, as lines for a person. */
export function explainRoutes(router: Router, finding: Finding): { lines: string[]; sinks: string[] } {
  const lines: string[] = [];
  const marks: Record<RouteStep['decision']['is'], string> = {
    yes: '✓ matches',
    no: '· does not match',
    unknown: '? cannot be decided',
    taken: '→ taken',
    below: '✗ too low',
    repeated: '· already on its way',
  };
  const tell = ({ route, decision, sinks }: RouteStep) => {
    const to = sinks === undefined ? '' : ` → ${sinks.length === 0 ? 'no sink' : sinks.join(', ')}`;
    lines.push(`${route}  ${marks[decision.is]}${decision.why === '' ? '' : `: ${decision.why}`}${to}`);
  };
  const targets = router.route(finding, tell, true);
  return { lines, sinks: targets.map((target) => target.sink) };
}
