/**
 * Puts words together again that Falco's joining tore apart: it prints arguments with one blank between them
 * and no quotes. Only where a tool's own grammar leaves no other reading.
 */
import { isSocatAddress } from './vocabulary.ts';

/** The words as execve most likely got them. */
export function unsplitWords(toolId: string, words: readonly string[]): readonly string[] {
  if (toolId === 'socat') return joinAddresses(words);
  if (toolId === 'curl' || toolId === 'wget') return joinValues(words);
  return words;
}

/** `exec:bash -li,pty tcp:h:1`: what is no address belongs to the address before. */
function joinAddresses(words: readonly string[]): string[] {
  const joined: string[] = [];
  let inAddress = false;
  for (const word of words) {
    if (isSocatAddress(word)) {
      inAddress = true;
      joined.push(word);
    } else if (inAddress && joined.length > 0) joined[joined.length - 1] += ` ${word}`;
    else joined.push(word);
  }
  return joined;
}

const VALUE_OPTION =
  /^(?:-[A-Za-z#]*[HAdFwe]|--(?:header|user-agent|data|data-raw|data-binary|data-urlencode|json|form|form-string|write-out|referer|post-data|body-data))$/;

/** Headers (`Name: value`), and values with open brackets or quotes. */
function joinValues(words: readonly string[]): string[] {
  const joined: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    joined.push(word);
    const glued = /^--(?:header|post-data|body-data|user-agent)=/.test(word);
    if (!glued && (!VALUE_OPTION.test(word) || words[i + 1] === undefined)) continue;
    let value = glued ? word : words[++i]!;
    let next = words[i + 1];
    while (next !== undefined && wantsMore(value, next)) {
      value += ` ${next}`;
      next = words[++i + 1];
    }
    if (glued) joined[joined.length - 1] = value;
    else joined.push(value);
  }
  return joined;
}

function wantsMore(value: string, next: string): boolean {
  if (isOpen(value)) return true;
  if (/:$/.test(value) && /^[^\s]*[A-Za-z-]+:$/.test(value) && !next.includes('://')) return true;
  return /: (?:Bearer|Basic|Token|Digest|ApiKey|bearer|token)$/.test(value);
}

/** More opened than closed; bounded, since each word is looked at once per join at most. */
function isOpen(text: string): boolean {
  let depth = 0;
  for (const char of text) {
    if (char === '{' || char === '[' || char === '(') depth++;
    else if (char === '}' || char === ']' || char === ')') depth--;
  }
  return depth > 0 && text.length < 8192;
}
