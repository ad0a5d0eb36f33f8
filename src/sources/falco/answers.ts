import { STATUS_CODES } from 'node:http';

/** What the client learns besides the status: undefined for an empty body. */
export function bodyOf(reason: string | undefined): string {
  return reason === undefined ? '' : `${JSON.stringify({ error: reason })}\n`;
}

/**
 * Gives the text of answers as node:http writes them for this server. `now`: milliseconds since the epoch.
 * `closes`: nothing more is read from the connection. Only the reason may hold characters beyond latin1.
 */
export function answerWriter(
  keepAliveMs: number,
  now: () => number = Date.now,
): (code: number, reason: string | undefined, closes: boolean) => string {
  const kept = `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(keepAliveMs / 1000)}\r\n`;
  let second = 0;
  let date = '';
  let good = '';

  function write(code: number, reason: string | undefined, closes: boolean): string {
    const body = bodyOf(reason);
    const type = reason === undefined ? '' : 'content-type: application/json\r\n';
    const first = closes ? 'connection: close\r\n' : '';
    const last = closes ? '' : kept;
    const length = Buffer.byteLength(body);
    return `HTTP/1.1 ${code} ${STATUS_CODES[code]}\r\n${first}${type}content-length: ${length}\r\nDate: ${date}\r\n${last}\r\n${body}`;
  }

  return (code, reason, closes) => {
    const current = Math.floor(now() / 1000);
    if (current !== second) {
      second = current;
      date = new Date(current * 1000).toUTCString();
      good = write(200, undefined, false);
    }
    return code === 200 && reason === undefined && !closes ? good : write(code, reason, closes);
  };
}
