/**
 * The JSON documents of one HTTP body, each as the bytes it was written with: one object (Falco, falcosidekick),
 * an array of objects, or one object a line. A body that is none of these is given back whole, so that reading it
 * tells what is wrong.
 */
export function documentsOf(body: Buffer): Buffer[] {
  const first = firstByte(body);
  if (first === openBracket) return elementsOf(body) ?? [body];
  if (first !== openBrace || !body.includes('}\n') || body.indexOf('\n{') < 0) return [body];
  const lines = linesOf(body);
  return lines.every((line) => line[0] === openBrace && line.at(-1) === closeBrace) ? lines : [body];
}

/** True if the body is one object and no more, or none of what `documentsOf` reads: it is read whole. */
export function isOneLine(body: Buffer): boolean {
  return body[0] === openBrace && body.indexOf(newLine) < 0;
}

const newLine = 0x0a;
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d];
const [quote, backslash] = [0x22, 0x5c];

function firstByte(body: Buffer): number | undefined {
  return body.find((byte) => byte > 0x20);
}

function linesOf(body: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const end = body.indexOf(0x0a, at);
    let to = end < 0 ? body.length : end;
    const next = to + 1;
    while (to > at && body[to - 1]! <= 0x20) to -= 1;
    if (to > at) lines.push(body.subarray(at, to));
    at = next;
  }
  return lines;
}

/** The objects on the first level of an array; undefined if the brackets do not match. */
function elementsOf(body: Buffer): Buffer[] | undefined {
  const elements: Buffer[] = [];
  let depth = 0;
  let start = 0;
  let inString = false;
  for (let i = 0; i < body.length; i += 1) {
    const byte = body[i]!;
    if (inString) {
      if (byte === backslash) i += 1;
      else if (byte === quote) inString = false;
    } else if (byte === quote) inString = true;
    else if (byte === openBrace || byte === openBracket) {
      depth += 1;
      if (depth === 2) start = i;
    } else if (byte === closeBrace || byte === closeBracket) {
      depth -= 1;
      if (depth === 1) elements.push(body.subarray(start, i + 1));
    }
  }
  return depth === 0 && !inString ? elements : undefined;
}
