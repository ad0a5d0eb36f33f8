import type { Parcel, RelayDelivery, SendOptions } from '../../model/delivery.ts';

/** What goes over the wire for one parcel. Headers are lower-case. */
export interface Rendered {
  body: Buffer | string;
  content_type: string;
  headers?: Record<string, string>;
}

/**
 * How a parcel looks to one kind of receiver. Pure: the same parcel gives the same bytes, so that a repeat
 * is a repeat. Limits of the vendor are kept by shortening with a mark, never by failing.
 */
export interface Format {
  readonly name: string;
  /** Several findings in one body; a format without it is never given a batch. */
  readonly batches: boolean;
  render(parcel: Parcel, options?: SendOptions): Rendered;
}

/** A relayed body, byte by byte as it was received. */
export function relayed(relay: RelayDelivery['relay']): Rendered {
  return { body: Buffer.from(relay.body_base64, 'base64'), content_type: relay.content_type };
}
