const form = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:?\d{2})$/;

/** Whole seconds that were written out: events come in bursts, beside the starts of their containers. */
const SECONDS = 16;
const writtenSeconds = new Float64Array(SECONDS).fill(-1);
const writtenTexts = new Array<string>(SECONDS).fill('');

/** Seconds and nanoseconds as RFC 3339 in UTC with nine fractional digits. */
export function rfc3339(seconds: number, nanos: number): string {
  return `${wholeSecond(seconds)}.${String(nanos).padStart(9, '0')}Z`;
}

function wholeSecond(seconds: number): string {
  const at = Math.abs(seconds) % SECONDS;
  if (writtenSeconds[at] === seconds) return writtenTexts[at]!;
  const whole = new Date(seconds * 1000);
  const text = Number.isNaN(whole.getTime()) ? '1970-01-01T00:00:00' : whole.toISOString().slice(0, 19);
  if (Number.isInteger(at)) {
    writtenSeconds[at] = seconds;
    writtenTexts[at] = text;
  }
  return text;
}

const normal = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{9}Z$/;

/** Any RFC 3339 text brought to UTC with nine fractional digits; undefined if it is none. */
export function normalizeTime(text: string): string | undefined {
  if (normal.test(text) && !Number.isNaN(Date.parse(text))) return text;
  const match = form.exec(text);
  if (match === null) return undefined;
  const [, base, fraction = '', zone] = match;
  const nanos = fraction.padEnd(9, '0');
  const offset = zone === 'Z' || zone!.includes(':') ? zone : `${zone!.slice(0, 3)}:${zone!.slice(3)}`;
  const whole = new Date(`${base}${offset}`);
  if (Number.isNaN(whole.getTime())) return undefined;
  return `${whole.toISOString().slice(0, 19)}.${nanos}Z`;
}

/** Seconds since the epoch, with a fraction exact to about a microsecond; NaN for what is no time. */
export function secondsOf(time: string): number {
  return Date.parse(`${time.slice(0, 19)}Z`) / 1000 + Number(`0.${time.slice(20, 29) || '0'}`);
}
