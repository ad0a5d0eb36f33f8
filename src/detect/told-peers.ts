/** The peers a finding names. What cannot be told is in the list as a peer of class `unknown`, never left out. */
import type { FindingPeer } from '../model/finding.ts';
import type { Context } from './context.ts';
import type { Invocation } from './invocation.ts';
import { parseArguments } from './parse-arguments.ts';
import { classifyHost } from './peers.ts';

const MAX_PEERS = 32;
/** 2^6 ways to put seven pieces together. */
const MAX_PIECES = 7;
const UNKNOWN: FindingPeer = { role: 'connect', class: 'unknown' };

/** Whom one execution of a tool talks to. */
export function toldPeers(context: Context): FindingPeer[] {
  const { invocation } = context;
  const peers = peersOf(invocation);
  const unseen = hidesPeers(context) || !sameHoweverSplit(context, peers);
  const told = peers.slice(0, MAX_PEERS);
  return unseen || peers.length > MAX_PEERS ? [...told, UNKNOWN] : told;
}

function peersOf({ peers, queries }: Invocation): FindingPeer[] {
  const told = peers.map(({ role, class: place, host, port, path }) => ({
    role,
    class: place,
    ...(host !== undefined && { host }),
    // Anything else may be a part of a password that looks like a port.
    ...(port !== undefined && /^\d{1,5}(?:-\d{1,5})?$/.test(port) && { port }),
    ...(place === 'unix' && path !== undefined && { path }),
  }));
  const asked = queries.map(({ name, data_driven }): FindingPeer => {
    const { class: place, host } = classifyHost(name, 'connect');
    if (data_driven === true) return { role: 'query', class: 'unknown' };
    return { role: 'query', class: place, ...(host !== undefined && { host }) };
  });
  return [...told, ...asked];
}

/** A configuration may name proxies, other hosts and whole commands. */
const CONFIGURATION = /^(?:-F|-C|--config|--config-file|--conf-path)$/;
/** curl's own substitution, and a gateway for addresses that are none. */
const REWRITES = /^--(?:expand-|ipfs-gateway)/;

/** Options that name peers elsewhere than the list of peers does. */
function hidesPeers({ invocation, resolution }: Context): boolean {
  const { redirects, hidden_targets, forwards, code, reads } = invocation;
  return (
    reads.some(({ option }) => CONFIGURATION.test(option)) ||
    resolution.words.some((word) => REWRITES.test(word)) ||
    redirects.length > 0 ||
    hidden_targets.length > 0 ||
    forwards.length > 0 ||
    code !== undefined ||
    resolution.data_driven === true ||
    resolution.proxied_by !== undefined
  );
}

/** Where the sensor joined the words: whether every way to split them names these peers, or nobody at all. */
function sameHoweverSplit(context: Context, peers: readonly FindingPeer[]): boolean {
  const { process, resolution, tool, own_string } = context;
  if (process.argv_quality === 'exact') return true;
  const text = process.arguments;
  if (process.argv_quality !== 'split' || text === undefined || own_string) return false;
  const pieces = text === '' ? [] : text.split(' ');
  // A wrapper's words before the tool's own, and words the sensor may have quoted, are not looked into.
  if (resolution.words.join(' ') !== text || text.includes('"') || pieces.length > MAX_PIECES) return false;
  const known = new Set(peers.map(keyOf));
  for (let joints = 0; joints < 2 ** Math.max(0, pieces.length - 1); joints += 1) {
    const read = parseArguments(tool, { ...resolution, words: joined(pieces, joints) }, process.cwd);
    if (hidesPeers({ ...context, invocation: read })) return false;
    if (peersOf(read).some((peer) => !known.has(keyOf(peer)))) return false;
  }
  return true;
}

/** Bit i of `joints`: pieces i and i + 1 are one word. */
function joined(pieces: readonly string[], joints: number): string[] {
  const words: string[] = [];
  for (const [index, piece] of pieces.entries()) {
    if (index > 0 && ((joints >> (index - 1)) & 1) === 1) words[words.length - 1] += ` ${piece}`;
    else words.push(piece);
  }
  return words;
}

function keyOf({ role, class: place, host, port, path }: FindingPeer): string {
  return [role, place, host, port, path].join('\u0000');
}
