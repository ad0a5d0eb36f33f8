import { readFile } from 'node:fs/promises';
import type { Clock } from '../../../lib/clock.ts';
import { messageOf } from '../../../lib/errors.ts';
import { httpUrl } from './options.ts';
import { type HttpTransport, openHttpTransport, type TransportSpec } from './transport.ts';

/** Where to send: a URL, or the file it stands in; exactly one of both. */
export interface Address {
  url?: string | undefined;
  url_file?: string | undefined;
}

/** For the schema of a sink: the message if not exactly one is given. */
export const oneAddress = {
  path: ['url'],
  message: 'give one of url and url_file',
};

export function hasOneAddress({ url, url_file }: Address): boolean {
  return (url === undefined) !== (url_file === undefined);
}

/**
 * A transport to a URL that may stand in a file, which is read for each attempt: a rotated URL works with the
 * next one. What is under way to the former URL when it changes is cut off and tried again.
 */
export function openAddressTransport(
  { url, url_file }: Address,
  spec: Omit<TransportSpec, 'url'>,
  clock: Clock,
): HttpTransport {
  if (url_file === undefined) return openHttpTransport({ ...spec, url: url ?? '' }, clock);
  const file = url_file;
  let current: { url: string; transport: HttpTransport } | undefined;
  let closed = false;

  async function open(): Promise<HttpTransport> {
    const found = httpUrl.safeParse((await readFile(file, 'utf8')).trim());
    // The text itself is a secret, even where it is wrong.
    if (!found.success) throw new Error(`${file}: ${found.error.issues[0]?.message}`);
    if (closed) throw new Error('the sink is closed');
    if (current?.url === found.data) return current.transport;
    void current?.transport.close();
    current = { url: found.data, transport: openHttpTransport({ ...spec, url: found.data }, clock) };
    return current.transport;
  }

  return {
    async send(id, rendered, signal, watch) {
      let transport: HttpTransport;
      try {
        transport = await open();
      } catch (error) {
        return { kind: 'retry', reason: 'credentials_unreadable', detail: messageOf(error) };
      }
      return transport.send(id, rendered, signal, watch);
    },
    async close() {
      closed = true;
      await current?.transport.close();
    },
  };
}
