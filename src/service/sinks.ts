import { createHash } from 'node:crypto';
import type { Config } from '../config.ts';
import type { Deliverer } from '../deliver/dispatcher.ts';
import { openSink } from '../deliver/sinks/index.ts';
import { openRelaySink } from '../deliver/sinks/relay.ts';
import { holdingClock } from '../lib/clock.ts';
import type { Sink } from '../model/delivery.ts';

/** The sinks of a configuration, and one for each source whose alerts are passed on. */
export function openSinks(config: Config): Sink[] {
  const deps = { clock: holdingClock, page_url: config.page_url?.replace(/\/+$/, '') };
  const relays = Object.entries(config.sources).flatMap(([name, source]) =>
    source.type === 'falco_http' && source.relay !== undefined
      ? [openRelaySink(relayName(name), source.relay, deps)]
      : [],
  );
  return [...Object.entries(config.sinks).map(([name, sink]) => openSink(name, sink, deps)), ...relays];
}

/** What the source hands received bodies to; none if they are not to be passed on. */
export function relayFor(
  name: string,
  source: Config['sources'][string],
  deliverer: () => Deliverer,
): { relay?: (body: Buffer, type: string) => void } {
  if (source.type !== 'falco_http' || source.relay === undefined) return {};
  const to = [relayName(name)];
  return { relay: (body, type) => void deliverer().relay(bodyId(body), body, type, to) };
}

/** The dot keeps it apart from the names an operator may give. */
function relayName(source: string): string {
  return `${source}.relay`;
}

/** The same for the same body: a repeat by Falco is a repeat for the receiver. */
function bodyId(body: Buffer): string {
  return `r-${createHash('sha256').update(body).digest('hex').slice(0, 24)}`;
}
