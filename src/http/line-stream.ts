import type { Writable } from 'node:stream';

/** What waits for one slow reader; beyond, lines are dropped and it is told how many. */
export interface LineBounds {
  max_lines: number;
  max_bytes: number;
}

/** Lines to one reader, who may be slow: `send` never waits and never holds more than the bounds. */
export interface LineStream {
  send(line: string): void;
}

const usual: LineBounds = { max_lines: 1000, max_bytes: 2 * 2 ** 20 };

/** `lossLine` is what the reader is told once it reads again; `dropped` hears of each loss. */
export function openLineStream(
  out: Writable,
  lossLine: (count: number) => string,
  dropped: (count: number) => void,
  bounds: LineBounds = usual,
): LineStream {
  let waiting: string[] = [];
  let bytes = 0;
  let lost = 0;
  let full = false;

  function write(line: string): void {
    full = !out.write(`${line}\n`);
  }

  function drain(): void {
    full = false;
    const lines = waiting;
    waiting = [];
    bytes = 0;
    for (const [i, line] of lines.entries()) {
      if (full) {
        waiting = lines.slice(i);
        bytes = waiting.reduce((sum, one) => sum + one.length, 0);
        return;
      }
      write(line);
    }
    if (lost === 0) return;
    write(lossLine(lost));
    lost = 0;
  }

  out.on('drain', drain);
  // Whoever leaves in the middle of a line is no trouble of ours.
  out.on('error', () => {});
  return {
    send(line) {
      if (!full && waiting.length === 0) return write(line);
      if (lost === 0 && waiting.length < bounds.max_lines && bytes + line.length <= bounds.max_bytes) {
        waiting.push(line);
        bytes += line.length;
        return;
      }
      lost += 1;
      dropped(1);
    },
  };
}
