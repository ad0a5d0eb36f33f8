/** Where a host lies, by its text alone: never by a part of it, and in any spelling. */
import { embeddedIpv4, formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from '../lib/addresses.ts';
import type { Peer, PeerClass } from './invocation.ts';

export type PeerRole = Peer['role'];

export interface ClassifiedHost {
  class: PeerClass;
  /** Canonical spelling; absent where the text names no host. */
  host?: string;
}

const LOOPBACK_NAMES = new Set([
  'localhost',
  'localhost.localdomain',
  'localhost4',
  'localhost6',
  'localhost4.localdomain4',
  'localhost6.localdomain6',
  'ip6-localhost',
  'ip6-loopback',
]);

const METADATA_NAMES = new Set([
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'instance-data',
  'instance-data.ec2.internal',
  'metadata.azure.internal',
  'metadata.tencentyun.com',
  'metadata.packet.net',
  'metadata.platformequinix.com',
  'api.metadata.cloud.ibm.com',
]);

const METADATA_IPV4 = new Set([
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  '169.254.0.23',
  '169.254.42.42',
  '100.100.100.200',
  '192.0.0.192',
  '168.63.129.16',
]);

const METADATA_IPV6 = new Set([
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd20:ce::254',
  'fd00:42::42',
  'fe80::a9fe:a9fe',
]);

/** Last labels that no public registry delegates. */
const INTERNAL_SUFFIXES = new Set([
  'internal',
  'local',
  'localhost',
  'localdomain',
  'svc',
  'cluster',
  'default',
  'consul',
  'lan',
  'home',
  'corp',
  'intranet',
  'private',
  'docker',
]);

/** Names of public resolvers that answer with the address the name spells. */
const SPELLED_ADDRESS = /(?:^|[.-])169[.-]254[.-]169[.-]254\.(?:nip\.io|sslip\.io|xip\.io)$/;

/** Base address and prefix length of ranges that are not the Internet. */
const INTERNAL_IPV4: readonly (readonly [string, number])[] = [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['224.0.0.0', 4],
  ['255.255.255.255', 32],
];
const INTERNAL_RANGES = INTERNAL_IPV4.map(([base, bits]) => ({
  block: Math.floor(parseIpv4(base)! / 2 ** (32 - bits)),
  size: 2 ** (32 - bits),
}));

function classOfIpv4(address: number, role: PeerRole): PeerClass {
  if (Math.floor(address / 2 ** 24) === 127) return 'loopback';
  if (address === 0) return role === 'listen' ? 'any' : 'loopback';
  if (METADATA_IPV4.has(formatIpv4(address))) return 'metadata';
  const inside = INTERNAL_RANGES.some((range) => Math.floor(address / range.size) === range.block);
  return inside ? 'internal' : 'public_ip';
}

function classOfIpv6(groups: readonly number[], role: PeerRole): PeerClass {
  const embedded = embeddedIpv4(groups);
  if (embedded !== undefined) return classOfIpv4(embedded, role);
  const text = formatIpv6(groups);
  if (text === '::1') return 'loopback';
  if (text === '::') return role === 'listen' ? 'any' : 'loopback';
  if (METADATA_IPV6.has(text)) return 'metadata';
  const first = groups[0]!;
  const unique = first >= 0xfc00 && first <= 0xfdff;
  const link = first >= 0xfe80 && first <= 0xfebf;
  return unique || link || first >= 0xff00 ? 'internal' : 'public_ip';
}

function classOfName(name: string): PeerClass {
  if (LOOPBACK_NAMES.has(name)) return 'loopback';
  if (METADATA_NAMES.has(name) || SPELLED_ADDRESS.test(name)) return 'metadata';
  const dot = name.lastIndexOf('.');
  if (dot < 0) return 'internal';
  const last = name.slice(dot + 1);
  if (INTERNAL_SUFFIXES.has(last) || name.endsWith('.home.arpa')) return 'internal';
  // No top-level domain has a dash but the xn-- ones: `db.my-namespace` is a Service.
  if (last.includes('-') && !last.startsWith('xn--')) return 'internal';
  return 'public_name';
}

/** True if the text holds something that only the running program knows: a variable, a substitution, `{}`. */
export function isUnknownText(text: string): boolean {
  return /[$`]|\{\}|%s|\uFFFD/.test(text);
}

/** Percent escapes undone where they give plain ASCII, as curl and wget do with hosts. */
function unescapePercent(text: string): string {
  return text.replace(/%([2-7][0-9a-fA-F])/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** Full-width digits and letters and the ideographic full stop are what IDN makes of them. */
function foldWidth(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  return text.normalize('NFKC').replace(/[\u3002\uff61\uff0e]/g, '.');
}

/**
 * Classifies one host without port, in brackets or not. `role` decides what 0.0.0.0 and :: mean: this machine
 * as a destination, everyone as an address to listen on. Total.
 */
export function classifyHost(text: string, role: PeerRole): ClassifiedHost {
  const trimmed = text.trim();
  if (role === 'listen' && (trimmed === '' || trimmed === '*')) return { class: 'any' };
  if (trimmed === '' || trimmed === '-' || isUnknownText(trimmed)) return { class: 'unknown' };
  if (trimmed.length > 1024) return { class: 'public_name', host: trimmed.slice(0, 255).toLowerCase() };
  const bare = trimmed.startsWith('[') && trimmed.endsWith(']') ? trimmed.slice(1, -1) : trimmed;
  const literal = parseIpv6(bare);
  if (literal) return { class: classOfIpv6(literal, role), host: formatIpv6(literal) };
  const folded = foldWidth(unescapePercent(bare)).toLowerCase();
  const name = folded.endsWith('.') ? folded.slice(0, -1) : folded;
  if (name === '') return { class: 'unknown' };
  const address = parseIpv4(name);
  if (address !== undefined) return { class: classOfIpv4(address, role), host: formatIpv4(address) };
  const escaped = parseIpv6(name);
  if (escaped) return { class: classOfIpv6(escaped, role), host: formatIpv6(escaped) };
  return { class: classOfName(name), host: name };
}
