import type { Clock } from '../../../lib/clock.ts';
import type { Outcome, Parcel, Sink, SinkConduct } from '../../../model/delivery.ts';
import type { Format } from '../../formats/format.ts';
import type { Exchange, HttpTransport } from './transport.ts';

/** What a sink needs beside its configuration. */
export interface SinkDeps {
  clock: Clock;
  /** Where Lanner's page is reached, for links in messages. */
  page_url?: string | undefined;
}

/** A sink that can show what it said and heard, for `lanner sink test`. */
export interface ProbedSink extends Sink {
  probe(parcel: Parcel, signal: AbortSignal): Promise<{ outcome: Outcome; exchanges: Exchange[] }>;
}

/** A sink that renders with a format and sends over HTTP. */
export function httpSink(
  name: string,
  type: string,
  format: Format,
  transport: HttpTransport,
  conduct: Partial<SinkConduct>,
): ProbedSink {
  return {
    name,
    type,
    conduct,
    send: (parcel, signal, options) => transport.send(parcel.id, format.render(parcel, options), signal),
    async probe(parcel, signal) {
      const exchanges: Exchange[] = [];
      const rendered = format.render(parcel);
      const outcome = await transport.send(parcel.id, rendered, signal, (exchange) =>
        exchanges.push(exchange),
      );
      return { outcome, exchanges };
    },
    close: () => transport.close(),
  };
}
