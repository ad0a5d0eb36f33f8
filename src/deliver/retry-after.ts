/** A receiver may not silence us for longer than this; what it asks beyond is cut. */
export const longestRetryAfterMs = 3_600_000;

/**
 * Milliseconds to wait by a Retry-After header: delta-seconds (fractions tolerated, some vendors send them)
 * or an HTTP date. Undefined if it is neither; a date that has passed is 0.
 */
export function parseRetryAfter(value: string | undefined, now_ms: number): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  if (/^\d{1,12}(\.\d+)?$/.test(text)) return Math.min(Math.ceil(Number(text) * 1000), longestRetryAfterMs);
  // Date.parse reads many texts as dates; an HTTP date starts with a weekday and names GMT.
  if (!/^(mon|tue|wed|thu|fri|sat|sun)[a-z]*,? .*(gmt|utc|\d{2}:\d{2}:\d{2} \d{4})$/i.test(text))
    return undefined;
  const at = Date.parse(/gmt|utc/i.test(text) ? text : `${text} GMT`);
  if (Number.isNaN(at)) return undefined;
  return Math.min(Math.max(at - now_ms, 0), longestRetryAfterMs);
}
