import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

/** Routes that could not be decided: counted, and told once for each route and reason. */
export function routeEvents(
  metrics: Metrics,
  log: Log,
): (step: { route: string; decision: { is: string; why: string } }) => void {
  const undecided = metrics.counter(
    'lanner_route_undecided_total',
    'Findings for which a route could not be decided, since a fact was missing',
    ['route'],
  );
  const told = new Set<string>();
  return ({ route, decision }) => {
    if (decision.is !== 'unknown') return;
    undecided.inc({ route });
    const key = `${route} ${decision.why}`;
    if (told.has(key) || told.size > 1000) return;
    told.add(key);
    log.warn('a route cannot be decided: the finding goes to the sinks of the route above it', {
      route,
      why: decision.why,
    });
  };
}
