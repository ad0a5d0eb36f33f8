// The parent's hold on the sender and on the receiver.
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const from = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Messages of a child, each waited for by its key; the child's death fails whoever waits. */
function wires(child, what) {
  const waiting = new Map();
  const early = new Map();
  child.on('message', (message) => {
    for (const [key, value] of Object.entries(message)) {
      if (waiting.has(key)) {
        waiting.get(key).resolve(value);
        waiting.delete(key);
      } else early.set(key, value);
    }
  });
  child.on('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error(`the ${what} has died`));
  });
  return {
    next(key) {
      if (early.has(key)) {
        const value = early.get(key);
        early.delete(key);
        return Promise.resolve(value);
      }
      return new Promise((resolve, reject) => waiting.set(key, { resolve, reject }));
    },
    forget: (...keys) => keys.map((key) => early.delete(key)),
  };
}

let sockets = 0;

/** `{stream: real | synthetic, share, ancestors}`: what it sends. */
export async function openSender(folder, options) {
  sockets += 1;
  const socket = join(folder, `${sockets}.sock`);
  const child = fork(from('../sender.mjs'), [JSON.stringify({ ...options, socket })]);
  const wire = wires(child, 'sender');
  await wire.next('listening');
  return {
    socket,
    /** Before a reader is started: forgets the last one's subscription. */
    expect: () => wire.forget('subscribed', 'ready', 'done'),
    subscribed: () => wire.next('subscribed'),
    ready: () => wire.next('ready'),
    /** `rate` 0: as fast as the reader reads. Tells `{dropped, took_ms, first, stamps}`. */
    async send(count, rate = 0) {
      child.send({ count, rate });
      return wire.next('done');
    },
    close: () => child.disconnect(),
  };
}

export async function openReceiver() {
  const child = fork(from('../receiver.mjs'));
  const wire = wires(child, 'receiver');
  const { port } = { port: await wire.next('port') };
  return {
    url: `http://127.0.0.1:${port}/`,
    async count() {
      child.send('count');
      return wire.next('count');
    },
    /** Sequence → time of all findings that came, and forgets them. */
    async take() {
      child.send('forget');
      return new Map(await wire.next('arrived'));
    },
    close: () => child.disconnect(),
  };
}
