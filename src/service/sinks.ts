import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Config } from '../config.ts';
import type { SinkChanges } from '../deliver/dispatcher.ts';
import { openSink } from '../deliver/sinks/index.ts';
import { openRelaySink } from '../deliver/sinks/relay.ts';
import { holdingClock } from '../lib/clock.ts';
import type { Sink } from '../model/delivery.ts';

/** How to make each sink of a configuration, and what it is made from: the same is the same sink. */
type Recipes = Map<string, { key: string; open(): Sink }>;

/** The sinks of a configuration, one for each source whose alerts are passed on included. */
export interface SinkSet {
  readonly sinks: readonly Sink[];
  /** Opens what is new or changed in a configuration. Throws LannerError as `openSink`. */
  plan(config: Config): SinkPlan;
}

export interface SinkPlan extends SinkChanges {
  readonly names: { added: string[]; changed: string[]; removed: string[] };
  /** The set as it is when the changes are made. */
  readonly next: SinkSet;
}

/** Throws LannerError as `openSink`. */
export function openSinks(config: Config): SinkSet {
  const recipes = recipesOf(config);
  return sinkSet(
    new Map([...recipes].map(([name, { key }]) => [name, key])),
    [...recipes.values()].map(({ open }) => open()),
  );
}

function sinkSet(keys: ReadonlyMap<string, string>, sinks: readonly Sink[]): SinkSet {
  return {
    sinks,
    plan(config) {
      const recipes = recipesOf(config);
      const names = [...recipes.keys()];
      const open = (name: string) => recipes.get(name)!.open();
      const added = names.filter((name) => !keys.has(name)).map(open);
      const replaced = names
        .filter((name) => keys.has(name) && keys.get(name) !== recipes.get(name)?.key)
        .map(open);
      const opened = new Map([...added, ...replaced].map((sink) => [sink.name, sink]));
      const kept = new Map(sinks.map((sink) => [sink.name, sink]));
      const removed = [...keys.keys()].filter((name) => !recipes.has(name));
      return {
        added,
        replaced,
        removed,
        names: { added: added.map(({ name }) => name), changed: replaced.map(({ name }) => name), removed },
        next: sinkSet(
          new Map([...recipes].map(([name, { key }]) => [name, key])),
          names.map((name) => opened.get(name) ?? kept.get(name)!),
        ),
      };
    },
  };
}

function recipesOf(config: Config): Recipes {
  const deps = { clock: holdingClock, page_url: config.page_url?.replace(/\/+$/, '') };
  const recipes: Recipes = new Map();
  for (const [name, sink] of Object.entries(config.sinks))
    recipes.set(name, {
      // Who gets what is the router's business.
      key: JSON.stringify([{ ...sink, min_severity: undefined }, deps.page_url, templateOf(sink)]),
      open: () => openSink(name, sink, deps),
    });
  for (const [name, source] of Object.entries(config.sources)) {
    const relay = source.type === 'falco_http' ? source.relay : undefined;
    if (relay === undefined) continue;
    recipes.set(relayName(name), {
      key: JSON.stringify(relay),
      open: () => openRelaySink(relayName(name), relay, deps),
    });
  }
  return recipes;
}

/** What the file of its template holds; what cannot be read is told when the sink is opened. */
function templateOf(sink: Config['sinks'][string]): string | undefined {
  const file = 'template' in sink ? sink.template?.body_file : undefined;
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** The sink that passes on what a source receives. The dot keeps it apart from the names an operator may give. */
export function relayName(source: string): string {
  return `${source}.relay`;
}

/** The same for the same body: a repeat by Falco is a repeat for the receiver. */
export function bodyId(body: Buffer): string {
  return `r-${createHash('sha256').update(body).digest('hex').slice(0, 24)}`;
}
