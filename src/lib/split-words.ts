/**
 * Splits a command line as a shell would, without expanding anything: blanks separate, quotes group, a
 * backslash takes the next character as it is. Total: an unclosed quote ends with the text.
 */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  let current = '';
  let started = false;
  let quote = '';
  for (let i = 0; i < line.length; i++) {
    const char = line[i]!;
    if (quote !== '') {
      const escapes = quote === '"' && char === '\\' && /["\\$`]/.test(line[i + 1] ?? '');
      if (escapes) current += line[++i]!;
      else if (char === quote) quote = '';
      else current += char;
      continue;
    }
    if (/\s/.test(char)) {
      if (started) words.push(current);
      current = '';
      started = false;
      continue;
    }
    started = true;
    if (char === "'" || char === '"') quote = char;
    else if (char === '\\' && i + 1 < line.length) current += line[++i]!;
    else current += char;
  }
  if (started) words.push(current);
  return words;
}
