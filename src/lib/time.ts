const form = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:?\d{2})$/;

/** Whole seconds that were written out: events come in bursts, beside the starts of their containers. */
const SECONDS = 16;
const writtenSeconds = new Float64Array(SECONDS).fill(-1);
const writtenTexts = new Array<string>(SECONDS).fill('');

const YEAR_10000 = 253_402_300_800;
/** Times written last: what is read next is often one of them, and needs no test then. */
const written = ['', '', '', ''];
let next = 0;

/** Seconds and nanoseconds as RFC 3339 in UTC with nine fractional digits. */
export function rfc3339(seconds: number, nanos: number): string {
  const text = `${wholeSecond(seconds)}.${String(nanos).padStart(9, '0')}Z`;
  if (Number.isInteger(nanos) && nanos >= 0 && nanos < 1e9 && seconds >= 0 && seconds < YEAR_10000) {
    written[next] = text;
    next = (next + 1) & 3;
  }
  return text;
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
  if (text === '') return undefined;
  if (written.includes(text) || (normal.test(text) && !Number.isNaN(Date.parse(text)))) return text;
  const match = form.exec(text);
  if (match === null) return undefined;
  const [, base, fraction = '', zone] = match;
  const nanos = fraction.padEnd(9, '0');
  const offset = zone === 'Z' || zone!.includes(':') ? zone : `${zone!.slice(0, 3)}:${zone!.slice(3)}`;
  const whole = new Date(`${base}${offset}`);
  if (Number.isNaN(whole.getTime())) return undefined;
  return `${whole.toISOString().slice(0, 19)}.${nanos}Z`;
}

/** Seconds that were read last: an event's time is read several times beside its container's start. */
const readTexts = ['', '', '', ''];
const readSeconds = [Number.NaN, Number.NaN, Number.NaN, Number.NaN];
let nextRead = 0;

/** Seconds since the epoch, with a fraction exact to about a microsecond; NaN for what is no time. */
export function secondsOf(time: string): number {
  return wholeSecondsOf(time) + Number(`0.${time.slice(20, 29) || '0'}`);
}

function wholeSecondsOf(time: string): number {
  for (let at = 0; at < readTexts.length; at += 1)
    if (readTexts[at] !== '' && time.startsWith(readTexts[at]!)) return readSeconds[at]!;
  const whole = time.slice(0, 19);
  const seconds = Date.parse(`${whole}Z`) / 1000;
  if (whole.length < 19) return seconds;
  readTexts[nextRead] = whole;
  readSeconds[nextRead] = seconds;
  nextRead = (nextRead + 1) & 3;
  return seconds;
}

/** A time as this project writes them, moved by seconds and cut to the second; as it is where it is none. */
export function movedBy(time: string, seconds: number): string {
  if (normal.test(time)) {
    const whole = wholeSecondsOf(time);
    return Number.isNaN(whole) ? time : `${wholeSecond(whole + seconds)}Z`;
  }
  const at = Date.parse(time);
  return Number.isNaN(at) ? time : `${new Date(at + seconds * 1000).toISOString().slice(0, 19)}Z`;
}
