import { type Deliverer, type DelivererOptions, openDeliverer } from '../../src/deliver/dispatcher.ts';
import { memoryStore } from '../../src/deliver/store/memory.ts';
import type {
  DeliverEvents,
  Outcome,
  Parcel,
  SendOptions,
  Sink,
  SinkConduct,
} from '../../src/model/delivery.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { type ManualClock, manualClock } from './clock.ts';

/** A sink whose answers a test decides. */
export interface ScriptedSink extends Sink {
  /** Every parcel it was asked to send, in order. */
  readonly asked: { parcel: Parcel; options: SendOptions | undefined; at: number }[];
  /** Ids of what it said it has delivered. */
  readonly arrived: string[];
}

export type Answer = Outcome | Promise<Outcome>;
export const delivered: Outcome = { kind: 'delivered' };

export function scriptedSink(
  name: string,
  clock: ManualClock,
  answer: (parcel: Parcel, attempt: number, signal: AbortSignal) => Answer = () => delivered,
  conduct: Partial<SinkConduct> = {},
): ScriptedSink {
  const asked: ScriptedSink['asked'] = [];
  const arrived: string[] = [];
  return {
    name,
    type: 'scripted',
    conduct,
    asked,
    arrived,
    async send(parcel, signal, options) {
      asked.push({ parcel, options, at: clock.now() });
      const outcome = await answer(
        parcel,
        asked.filter((each) => each.parcel.id === parcel.id).length,
        signal,
      );
      if (outcome.kind === 'delivered') arrived.push(parcel.id);
      return outcome;
    },
    async close() {},
  };
}

/** Events as a list, and their sums. */
export function recordedEvents() {
  const list: { event: keyof DeliverEvents; args: unknown[] }[] = [];
  const note =
    (event: keyof DeliverEvents) =>
    (...args: unknown[]) =>
      void list.push({ event, args });
  const events: DeliverEvents = {
    accepted: note('accepted'),
    recovered: note('recovered'),
    attempted: note('attempted'),
    delivered: note('delivered'),
    dead: note('dead'),
    shed: note('shed'),
    sinkState: note('sinkState'),
    sinkRemoved: note('sinkRemoved'),
    storeDegraded: note('storeDegraded'),
    storeRecovered: note('storeRecovered'),
    storeSetAside: note('storeSetAside'),
  };
  return { events, list, of: (event: keyof DeliverEvents) => list.filter((each) => each.event === event) };
}

/** A deliverer on a manual clock with the full jitter at its bound. */
export function aDeliverer<S extends Sink[]>(
  make: (clock: ManualClock) => [...S],
  options: Partial<DelivererOptions> = {},
) {
  const clock = manualClock();
  const sinks = make(clock);
  const recorded = recordedEvents();
  const deliverer: Deliverer = openDeliverer({
    sinks,
    store: memoryStore(),
    log: silentLog,
    clock,
    random: () => 1,
    events: recorded.events,
    ...options,
  });
  return { deliverer, clock, recorded, sinks };
}
