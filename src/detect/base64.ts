/** Decoders for text found in arguments: lenient as the command-line tools are, bounded, never throwing. */

/** Longest text that is decoded. */
export const DECODED_LIMIT_CHARS = 64 * 1024;

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const VALUES = new Map([...ALPHABET].map((character, index) => [character, index]));
VALUES.set('-', 62);
VALUES.set('_', 63);

/** Bytes as text: UTF-8 where they are, U+FFFD elsewhere. */
function toText(bytes: readonly number[]): string {
  let text = '';
  for (let index = 0; index < bytes.length; index += 1) {
    const first = bytes[index]!;
    const more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc2 ? 1 : 0;
    if (first < 0x80) {
      text += String.fromCharCode(first);
      continue;
    }
    const rest = bytes.slice(index + 1, index + 1 + more);
    if (more === 0 || first > 0xf4 || rest.length < more || rest.some((byte) => byte >>> 6 !== 2)) {
      text += '\uFFFD';
      continue;
    }
    const code = rest.reduce((value, byte) => value * 64 + (byte & 63), first & (0x3f >>> more));
    text += code <= 0x10ffff ? String.fromCodePoint(code) : '\uFFFD';
    index += more;
  }
  return text;
}

/** True if a decoded text reads as text: hardly any control or replacement characters. */
export function isReadable(text: string): boolean {
  if (text === '') return false;
  let strange = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (code === 0xfffd || (code < 32 && code !== 9 && code !== 10 && code !== 13)) strange += 1;
  }
  return strange * 20 <= text.length;
}

/** Base64 (both alphabets, padding optional, blanks ignored); undefined if it is none or gives no readable text. */
export function decodeBase64(text: string): string | undefined {
  const bytes: number[] = [];
  let buffer = 0;
  let bits = 0;
  for (const character of text.slice(0, DECODED_LIMIT_CHARS * 2)) {
    if (
      character === '=' ||
      character === ' ' ||
      character === '\n' ||
      character === '\r' ||
      character === '\t'
    )
      continue;
    const value = VALUES.get(character);
    if (value === undefined) return undefined;
    buffer = ((buffer << 6) | value) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((buffer >>> bits) & 0xff);
    if (bytes.length >= DECODED_LIMIT_CHARS) break;
  }
  const decoded = toText(bytes);
  return isReadable(decoded) ? decoded : undefined;
}

/** Plain hexadecimal (`xxd -r -p`), `\x41` notation included; undefined if it gives no readable text. */
export function decodeHex(text: string): string | undefined {
  const digits = text.slice(0, DECODED_LIMIT_CHARS * 4).replace(/\\x|0x|[\s:]/g, '');
  if (digits.length < 2 || !/^[0-9a-fA-F]+$/.test(digits)) return undefined;
  const bytes: number[] = [];
  for (let index = 0; index + 1 < digits.length && bytes.length < DECODED_LIMIT_CHARS; index += 2) {
    bytes.push(Number.parseInt(digits.slice(index, index + 2), 16));
  }
  const decoded = toText(bytes);
  return isReadable(decoded) ? decoded : undefined;
}
