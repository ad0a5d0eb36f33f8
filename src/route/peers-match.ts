import { parseIpv4, parseIpv6 } from '../lib/addresses.ts';
import { type Finding, type FindingPeer, peerClasses } from '../model/finding.ts';
import { compilePattern, type Decision, type Matcher, type Pattern } from './match.ts';

type Read = (peer: FindingPeer) => string | undefined;
type Test = (peer: FindingPeer) => Decision;

const names: Record<string, Read> = {
  peer_class: (peer) => peer.class,
  peer_role: (peer) => peer.role,
  peer: ({ host, path }) => host ?? path,
  peer_port: ({ port }) => port,
};

/** Keys of a match that look at the peers. */
export const peerKeys: readonly string[] = Object.keys(names);

/**
 * A test of whom a tool talks to: every peer must fit, and there must be one. A peer that cannot be told leaves
 * it undecided. `peer` takes names, globs of names, addresses and ranges (`10.0.0.0/8`). Throws an Error on a
 * class, role or range that does not exist.
 */
export function compilePeers(key: string, pattern: Pattern): Matcher {
  const texts = (Array.isArray(pattern) ? pattern : [pattern]).map(String);
  if (key === 'peer_class') onlyKnown(key, texts, peerClasses);
  if (key === 'peer_role') onlyKnown(key, texts, ['connect', 'listen', 'proxy', 'resolver', 'query']);
  const loose = texts.find((text) => key === 'peer' && /^!?[0-9.]*\*[0-9.*]*$/.test(text));
  if (loose !== undefined && /\d/.test(loose))
    throw new Error(
      `peer: ${JSON.stringify(loose)} fits names too (10.evil.example); give a range such as 10.0.0.0/8`,
    );
  const ranges = key === 'peer' ? texts.filter((text) => text.includes('/') && isRange(text)) : [];
  const tests = [
    ...ranges.map((text) => inRange(text)),
    ...(ranges.length > 0 && ranges.length === texts.length ? [] : [byText(key, texts, ranges)]),
  ];
  return (finding) => every(finding, key, texts, tests);
}

function every({ peers }: Finding, key: string, texts: readonly string[], tests: readonly Test[]): Decision {
  if (peers === undefined) return { is: 'unknown', why: 'the peers are not known' };
  if (peers.length === 0) return { is: 'no', why: 'the arguments name no peer' };
  let unknown: Decision | undefined;
  for (const peer of peers) {
    const decisions = tests.map((test) => test(peer));
    if (decisions.some(({ is }) => is === 'yes')) continue;
    const undecided = decisions.find(({ is }) => is === 'unknown');
    if (undecided === undefined) return decisions[0]!;
    unknown ??= undecided;
  }
  return unknown ?? { is: 'yes', why: `every peer fits ${key} ${texts.join(' or ')}` };
}

function byText(key: string, all: readonly string[], ranges: readonly string[]): Test {
  const read = names[key]!;
  const test = compilePattern(
    key,
    all.filter((text) => !ranges.includes(text)).map((text) => (key === 'peer' ? text.toLowerCase() : text)),
  );
  return (peer) => {
    const value = read(peer);
    if (peer.class === 'unknown' && !(key === 'peer_class' && all.includes('unknown')))
      return { is: 'unknown', why: 'not every peer can be told' };
    return test(
      value === undefined
        ? { known: false, why: `the ${key.replace('_', "'s ")} is not known` }
        : { known: true, values: [value] },
    );
  };
}

function onlyKnown(key: string, texts: readonly string[], known: readonly string[]): void {
  const wrong = texts.map((text) => text.replace(/^!/, '')).find((text) => !known.includes(text));
  if (wrong !== undefined)
    throw new Error(`there is no ${key} ${JSON.stringify(wrong)}. Known: ${known.join(', ')}`);
}

/** Paths of unix sockets have slashes too, but begin with one. */
function isRange(text: string): boolean {
  if (text.startsWith('/') || text.startsWith('!/')) return false;
  if (parseRange(text) === undefined)
    throw new Error(`peer: ${JSON.stringify(text)} is no range of addresses, such as 10.0.0.0/8 or fd00::/8`);
  return true;
}

/** Bits of an address as text, as many as the range fixes. */
function parseRange(text: string): string | undefined {
  const [, address = '', bits = ''] = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(text) ?? [];
  const all = bitsOf(address);
  return all === undefined || Number(bits) > all.length ? undefined : `${all.slice(0, Number(bits))}`;
}

function inRange(text: string): Test {
  const prefix = parseRange(text)!;
  const size = bitsOf(text.replace(/\/.*/, ''))!.length;
  return ({ class: place, host }) => {
    if (place === 'unknown') return { is: 'unknown', why: 'not every peer can be told' };
    const bits = host === undefined ? undefined : bitsOf(host);
    const fits = bits !== undefined && bits.length === size && bits.startsWith(prefix);
    return { is: fits ? 'yes' : 'no', why: `peer ${host ?? place} is${fits ? '' : ' not'} in ${text}` };
  };
}

/** 32 or 128 binary digits; undefined for what is no address literal. Names are never resolved. */
function bitsOf(host: string): string | undefined {
  const binary = (value: number, width: number) => value.toString(2).padStart(width, '0');
  const groups = parseIpv6(host);
  if (groups !== undefined) return groups.map((group) => binary(group, 16)).join('');
  const address = /^\d+\.\d+\.\d+\.\d+$/.test(host) ? parseIpv4(host) : undefined;
  return address === undefined ? undefined : binary(address, 32);
}
