import type { Parcel, SendOptions } from '../../model/delivery.ts';
import type { Finding } from '../../model/finding.ts';
import { compactFinding } from './compact.ts';
import { type Format, type Rendered, relayed } from './format.ts';

const json = 'application/json; charset=utf-8';

/**
 * Lanner's own body: a finding is `lanner.finding/v1` as it is; a notice for several adds `group`; a status
 * notice is `lanner.notice/v1`; a batch is a JSON array, or one object per line.
 */
export function lannerFormat(lines: 'array' | 'ndjson' = 'array'): Format {
  return {
    name: 'lanner',
    batches: true,
    render(parcel: Parcel, options?: SendOptions): Rendered {
      if ('relay' in parcel) return relayed(parcel.relay);
      if (options?.json !== undefined && !options.compact && isPlain(parcel))
        return { body: options.json, content_type: json };
      if (!('batch' in parcel))
        return { body: JSON.stringify(lannerBody(parcel, options)), content_type: json };
      const bodies = parcel.batch.map((delivery) => JSON.stringify(lannerBody(delivery, options)));
      if (lines === 'array') return { body: `[${bodies.join(',')}]`, content_type: json };
      return { body: bodies.join('\n') + '\n', content_type: 'application/x-ndjson' };
    },
  };
}

function isPlain(parcel: Parcel): boolean {
  return 'finding' in parcel && parcel.group === undefined;
}

/** The JSON value of one finding, group or status notice. */
export function lannerBody(
  parcel: Exclude<Parcel, { relay: unknown } | { batch: unknown }>,
  options?: SendOptions,
): object {
  if ('notice' in parcel) return parcel.notice;
  const shape = options?.compact ? compactFinding : (finding: Finding) => finding;
  if (!parcel.group) return shape(parcel.finding);
  // The first sample is the finding itself: it stands there once.
  const samples = options?.compact ? [] : parcel.group.samples.slice(1).map(shape);
  return { ...shape(parcel.finding), group: { ...parcel.group, samples } };
}
