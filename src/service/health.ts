import type { ConfigHealth, HealthReport } from '../http/server.ts';
import type { CanaryHealth } from '../model/canary.ts';
import type { DelivererStatus } from '../model/delivery.ts';
import type { EnrichHealth } from '../model/enrich.ts';
import type { SourceHealth } from '../model/intake.ts';

/** What the parts say of themselves. */
export interface HealthView {
  version: string;
  sources: SourceHealth[];
  enrichment: EnrichHealth[];
  status: DelivererStatus;
  /** Undefined: no canary runs. */
  canary: { sources: CanaryHealth[]; failure?: string | undefined } | undefined;
  config?: ConfigHealth;
}

/** Degraded if anything is not as it should be; the reasons name each. */
export function healthOf({ version, sources, enrichment, status, canary, config }: HealthView): HealthReport {
  const { sinks, spool } = status;
  const reasons = [
    ...sources
      .filter(({ state }) => state !== 'ok')
      .map(({ name, state, reason }) => `source ${name} is ${because(state, reason)}`),
    ...(canary?.sources ?? [])
      .filter(({ state }) => state === 'blind')
      .map(({ source, reason }) => `source ${source} is ${because('blind', reason)}`),
    ...(canary?.failure === undefined ? [] : [`no canary can be run: ${canary.failure}`]),
    ...sinks
      .filter(({ state }) => state !== 'flowing')
      .map(({ name, state, detail }) => `sink ${name} is ${because(state, detail)}`),
    ...enrichment
      .filter(({ state }) => state === 'degraded')
      .map(({ name, reason }) => `enrichment from ${name} is ${because('degraded', reason)}`),
    ...(spool.degraded === undefined ? [] : [`the spool is degraded: ${spool.degraded}`]),
    ...(config?.refused === undefined
      ? []
      : [`the changed configuration is not in force, the one of ${config.since} is: ${config.refused.why}`]),
  ];
  return {
    status: reasons.length === 0 ? 'ok' : 'degraded',
    version,
    sources,
    ...(canary !== undefined && { canary: canary.sources }),
    enrichment,
    reasons,
    ...(config !== undefined && { config }),
  };
}

function because(state: string, reason: string | undefined): string {
  return reason === undefined ? state : `${state}: ${reason}`;
}
