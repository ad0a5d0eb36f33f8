/** Small readings of a context that several indicators share. */
import type { Context } from './context.ts';
import type { Peer } from './invocation.ts';
import type { LocationClass } from './location.ts';

/** Text for evidence, cut so that hostile arguments stay readable. */
export function short(text: string, limit = 200): string {
  return text.length <= limit ? text : `${text.slice(0, limit)}…`;
}

/** Peers traffic goes to, proxies included. */
export function reached(context: Context): readonly Peer[] {
  return context.invocation.peers.filter((peer) => peer.role === 'connect' || peer.role === 'proxy');
}

/** The peer as evidence. */
export function peerText(peer: Peer): string {
  return short(
    peer.host === undefined ? peer.text : `${peer.host}${peer.port === undefined ? '' : `:${peer.port}`}`,
  );
}

/** Places nobody but an intruder (or a build) runs programs from. */
export const strongPlaces: readonly LocationClass[] = [
  'world_writable',
  'web_root',
  'upload',
  'volume',
  'mount',
];

/** The first strong class, if any. */
export function strongPlace(classes: readonly LocationClass[]): LocationClass | undefined {
  return classes.find((name) => strongPlaces.includes(name));
}
