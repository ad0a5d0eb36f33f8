/**
 * IP literals the way the resolver of a C library reads them, so that no spelling of an address hides what it
 * is: `127.1`, `2130706433`, `0x7f.1`, `0177.0.0.1`, `::ffff:127.0.0.1`.
 */

/** One number of inet_aton: decimal, octal with a leading 0, hexadecimal with 0x. */
function parseNumber(text: string): number | undefined {
  if (text.length === 0 || text.length > 40) return undefined;
  if (/^0[xX][0-9a-fA-F]+$/.test(text)) return Number.parseInt(text.slice(2), 16);
  if (/^0[0-7]*$/.test(text)) return Number.parseInt(text, 8);
  if (/^[1-9][0-9]*$/.test(text)) return Number.parseInt(text, 10);
  return undefined;
}

/** inet_aton: one to four parts, the last fills what is left. The address as an unsigned 32-bit number. */
export function parseIpv4(text: string): number | undefined {
  if (text.length > 80) return undefined;
  const parts = text.split('.');
  if (parts.length > 4) return undefined;
  let address = 0;
  for (const [index, part] of parts.entries()) {
    const value = parseNumber(part);
    if (value === undefined) return undefined;
    const last = index === parts.length - 1;
    const limit = last ? 2 ** (8 * (5 - parts.length)) : 256;
    if (value >= limit) return undefined;
    address += last ? value : value * 2 ** (8 * (3 - index));
  }
  return address;
}

export function formatIpv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}

/** The groups of one side of `::`; a dotted quad may stand last. */
function parseGroups(text: string): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (index === parts.length - 1 && part.includes('.')) {
      if (part.split('.').length !== 4) return undefined;
      const quad = parseIpv4(part);
      if (quad === undefined) return undefined;
      groups.push(Math.floor(quad / 65536), quad % 65536);
      continue;
    }
    if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
    groups.push(Number.parseInt(part, 16));
  }
  return groups;
}

/** The eight groups of an IPv6 address; a zone (`%eth0`) is dropped, brackets are not taken. */
export function parseIpv6(text: string): number[] | undefined {
  if (text.length > 120 || !text.includes(':')) return undefined;
  const zone = text.indexOf('%');
  const address = zone < 0 ? text : text.slice(0, zone);
  const gap = address.indexOf('::');
  if (gap < 0) {
    const groups = parseGroups(address);
    return groups?.length === 8 ? groups : undefined;
  }
  const head = parseGroups(address.slice(0, gap));
  const tail = parseGroups(address.slice(gap + 2));
  if (!head || !tail || head.length + tail.length > 7) return undefined;
  return [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

/** RFC 5952: lower case, the longest run of zeros shortened. */
export function formatIpv6(groups: readonly number[]): string {
  let best = { start: -1, length: 1 };
  let start = -1;
  for (let index = 0; index <= groups.length; index += 1) {
    if (groups[index] === 0) {
      if (start < 0) start = index;
      continue;
    }
    if (start >= 0 && index - start > best.length) best = { start, length: index - start };
    start = -1;
  }
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':');
  if (best.start < 0) return hex(groups);
  return `${hex(groups.slice(0, best.start))}::${hex(groups.slice(best.start + best.length))}`;
}

/** The IPv4 address inside an IPv6 one: mapped (::ffff:0:0/96) or translated (64:ff9b::/96). */
export function embeddedIpv4(groups: readonly number[]): number | undefined {
  const upper = groups.slice(0, 6).join(',');
  if (upper !== '0,0,0,0,0,65535' && upper !== '100,65435,0,0,0,0') return undefined;
  return groups[6]! * 65536 + groups[7]!;
}
