import type { CanarySign } from '../model/canary.ts';
import { parseEndpoint } from './endpoint.ts';
import type { SourceConfig } from './index.ts';
import type { TetragonConfig, TetragonFilter } from './tetragon/config.ts';

/**
 * Why the canary may never be reported by a source that is configured so; undefined if nothing speaks against it.
 * Only Lanner's own configuration is looked at. `pattern` is matched by the arguments of every canary.
 */
export function hidesCanary(source: SourceConfig, sign: CanarySign): string | undefined {
  if (source.type === 'tetragon_file')
    return "Tetragon's export filters may leave this host's program starts out; the chart's do (namespace \"\", kube-system)";
  if (source.type === 'falco_http') return undefined;
  const endpoint = parseEndpoint(source.address);
  if (typeof endpoint !== 'string' && endpoint.kind === 'tcp' && !isHere(endpoint.host ?? ''))
    return `the sensor at ${source.address} watches another host; list the others in canary.sources`;
  return source.type === 'tetragon' ? hiddenByFilters(source, sign) : undefined;
}

/** Lanner's own `allow` does not matter: canaries have an entry of their own. */
function hiddenByFilters(source: TetragonConfig, sign: CanarySign): string | undefined {
  const denied = source.deny.findIndex((filter) => mayMatch(filter, sign));
  if (denied >= 0)
    return `the filter deny[${denied}] may take it away (${Object.keys(source.deny[denied]!).join(', ')})`;
  const needed = ['process.binary', 'process.arguments'];
  const index = source.field_filters.findIndex(({ event_set, fields, action }) => {
    if (event_set.length > 0 && !event_set.includes('PROCESS_EXEC')) return false;
    const named = needed.filter((field) => fields.includes(field) || fields.includes('process'));
    return action === 'EXCLUDE' ? named.length > 0 : named.length < needed.length;
  });
  return index < 0 ? undefined : `field_filters[${index}] leaves out process.binary or process.arguments`;
}

/** False only where a field of the filter surely does not fit; its fields are ANDed. */
function mayMatch(filter: TetragonFilter, sign: CanarySign): boolean {
  if (filter.event_set !== undefined && !filter.event_set.includes('PROCESS_EXEC')) return false;
  if (filter.health_check === true || filter.pid !== undefined) return false;
  const example = sign.pattern.replace(/^\^|\$$/g, '').replace('[0-9a-f]{32}', '0'.repeat(32));
  return fits(filter.binary_regex, sign.binary) && fits(filter.arguments_regex, example);
}

function fits(patterns: readonly string[] | undefined, text: string): boolean {
  if (patterns === undefined) return true;
  return patterns.some((pattern) => {
    try {
      return new RegExp(pattern).test(text);
    } catch {
      // RE2 knows forms that JavaScript does not: it may match.
      return true;
    }
  });
}

function isHere(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}
