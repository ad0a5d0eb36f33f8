import type { DelivererStatus } from '../model/delivery.ts';
import type { SourceHealth } from '../model/intake.ts';

/** Body of /readyz. `ready` is status 200, degraded or not; else 503 and the reasons say what is missing. */
export interface Readiness {
  ready: boolean;
  status: 'ok' | 'degraded' | 'unready';
  /** What keeps it from taking events. */
  unready: string[];
  /** What is wrong besides: a sensor that is away, a sink that is parked. */
  degraded: string[];
}

/** What readiness is told from. */
export interface ReadinessView {
  sources: readonly SourceHealth[];
  spool: DelivererStatus['spool'];
  stopping: boolean;
  /** Everything that is not in order. */
  reasons: readonly string[];
}

/**
 * Able to take events: the receivers listen, and what is accepted can be kept. A sensor that is away or a sink
 * that is down does not count: taking the node out of service would lose events and mend nothing.
 */
export function readinessOf(view: ReadinessView): Readiness {
  const unready = [
    ...(view.stopping ? ['Lanner is stopping'] : []),
    ...view.sources
      .filter(isClosed)
      .map(({ name, state }) => `source ${name} does not listen yet (${state})`),
    ...(view.spool.degraded === undefined ? [] : [`the spool takes no writes: ${view.spool.degraded}`]),
  ];
  const ready = unready.length === 0;
  return {
    ready,
    status: !ready ? 'unready' : view.reasons.length === 0 ? 'ok' : 'degraded',
    unready,
    degraded: [...view.reasons],
  };
}

/** Others connect to us only at sources that listen; the rest connect themselves, sooner or later. */
function isClosed({ type, state }: SourceHealth): boolean {
  return type === 'falco_http' && (state === 'starting' || state === 'stopped' || state === 'failed');
}
