// node pass-grpc-js.mjs SOCKET: takes each message's bytes and does nothing with them.
import { subscribe } from '../lib/client.mjs';

await subscribe(process.argv[2], (bytes) => bytes, () => {});
