/** The known name nearest to what was written, if one is near enough to be meant. */
export function nearest(written: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let bound = Math.floor(written.length / 2) + 1;
  for (const name of known) {
    const distance = editDistance(written.toLowerCase(), name.toLowerCase(), bound);
    if (distance < bound) {
      bound = distance;
      best = name;
    }
  }
  return best;
}

/** Levenshtein distance, given up at `bound`. */
function editDistance(a: string, b: string, bound: number): number {
  if (Math.abs(a.length - b.length) >= bound) return bound;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replace = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replace, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
