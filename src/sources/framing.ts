/**
 * Length-delimited recordings: a 4-byte big-endian length before each message. `frames` takes bytes in chunks
 * of any size and calls back with each whole message (its own copy).
 *
 * A length above `maxBytes` cannot be told from garbage: the message is skipped without being held in memory,
 * and reported. What is left at the end of the input is an unfinished message: `end` says how many bytes.
 */
export interface FrameReader {
  push(chunk: Buffer): void;
  /** Bytes of a message that never came whole; 0 if the input ended where a message ended. */
  end(): number;
}

export function frames(
  maxBytes: number,
  onMessage: (message: Buffer) => void,
  onOversized: (length: number) => void,
): FrameReader {
  const head = Buffer.alloc(4);
  let headBytes = 0;
  let body: Buffer | undefined;
  let bodyBytes = 0;
  let skip = 0;

  function beginBody(): void {
    const length = head.readUInt32BE(0);
    headBytes = 0;
    if (length > maxBytes) {
      skip = length;
      onOversized(length);
    } else if (length === 0) onMessage(Buffer.alloc(0));
    else {
      body = Buffer.allocUnsafeSlow(length);
      bodyBytes = 0;
    }
  }

  return {
    push(chunk) {
      let at = 0;
      while (at < chunk.length) {
        if (skip > 0) {
          const step = Math.min(skip, chunk.length - at);
          skip -= step;
          at += step;
        } else if (body === undefined) {
          const step = Math.min(4 - headBytes, chunk.length - at);
          chunk.copy(head, headBytes, at, at + step);
          headBytes += step;
          at += step;
          if (headBytes === 4) beginBody();
        } else {
          const step = Math.min(body.length - bodyBytes, chunk.length - at);
          chunk.copy(body, bodyBytes, at, at + step);
          bodyBytes += step;
          at += step;
          if (bodyBytes === body.length) {
            const whole = body;
            body = undefined;
            onMessage(whole);
          }
        }
      }
    },
    end: () => headBytes + (body === undefined ? 0 : bodyBytes + 4) + (skip > 0 ? 4 : 0),
  };
}

/** The 4 bytes that stand before a message of this length. */
export function frameHead(length: number): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(length);
  return head;
}

/**
 * Lines of a text that comes in chunks, without their line ends; empty lines go to `onEmpty`. A line above
 * `maxBytes` is skipped and reported.
 */
export function lines(
  maxBytes: number,
  onLine: (line: Buffer) => void,
  onOversized: (length: number) => void,
  onEmpty: () => void = () => {},
): FrameReader {
  let kept: Buffer[] = [];
  let keptBytes = 0;
  let skipped = 0;

  function finish(part: Buffer): void {
    const length = keptBytes + part.length;
    if (skipped > 0 || length > maxBytes) onOversized(skipped + length);
    else {
      const line = trimmed(kept.length === 0 ? part : Buffer.concat([...kept, part]));
      if (line.length > 0) onLine(line);
      else onEmpty();
    }
    kept = [];
    keptBytes = 0;
    skipped = 0;
  }

  return {
    push(chunk) {
      let at = 0;
      for (let end = chunk.indexOf(10, at); end >= 0; end = chunk.indexOf(10, at)) {
        finish(chunk.subarray(at, end));
        at = end + 1;
      }
      const rest = chunk.subarray(at);
      if (skipped > 0 || keptBytes + rest.length > maxBytes) {
        skipped += keptBytes + rest.length;
        kept = [];
        keptBytes = 0;
      } else if (rest.length > 0) {
        // A copy: the chunk's memory is not pinned for the sake of one unfinished line.
        kept.push(Buffer.from(rest));
        keptBytes += rest.length;
      }
    },
    end() {
      // A last line without a line end is whole if the file ends there.
      if (keptBytes > 0 || skipped > 0) finish(Buffer.alloc(0));
      return 0;
    },
  };
}

function trimmed(line: Buffer): Buffer {
  return line.length > 0 && line[line.length - 1] === 13 ? line.subarray(0, -1) : line;
}
