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
      const ready = options?.compact ? undefined : options?.json;
      if (ready?.[0] !== undefined && isPlain(parcel)) return { body: ready[0], content_type: json };
      if (!('batch' in parcel))
        return { body: JSON.stringify(lannerBody(parcel, options)), content_type: json };
      const bodies =
        ready ?? parcel.batch.map((each) => Buffer.from(JSON.stringify(lannerBody(each, options))));
      if (lines === 'array') return { body: joined('[', bodies, ',', ']'), content_type: json };
      return { body: joined('', bodies, '\n', '\n'), content_type: 'application/x-ndjson' };
    },
  };
}

function joined(head: string, bodies: readonly Buffer[], between: string, tail: string): Buffer {
  const parts: Buffer[] = [Buffer.from(head)];
  const separator = Buffer.from(between);
  for (const body of bodies) parts.push(body, separator);
  // Behind the last stands the tail.
  parts[parts.length - 1] = Buffer.from(tail);
  return Buffer.concat(parts);
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
