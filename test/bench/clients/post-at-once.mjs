// node post-at-once.mjs SOCKET URL: the quickest bare client we know. It decodes only what has a tool's name in
// its bytes, and posts it with undici, at once: nothing is kept, nothing is tried again.
import { Pool } from 'undici';
import { getEvents, subscribe } from '../lib/client.mjs';
import { toolNames } from '../lib/tools.mjs';

const [socket, url] = process.argv.slice(2);
const { origin, pathname } = new URL(url);
const pool = new Pool(origin, { connections: 8 });
const decode = getEvents().responseDeserialize;
const marks = [...toolNames].map((name) => Buffer.from(`bin/${name}`));
await subscribe(socket, (bytes) => bytes, (bytes) => {
  if (!marks.some((mark) => bytes.includes(mark))) return;
  const { process_exec, node_name, time } = decode(bytes);
  const file = process_exec?.process.binary ?? '';
  if (!toolNames.has(file.slice(file.lastIndexOf('/') + 1))) return;
  const body = JSON.stringify({ node_name, time, process_exec });
  pool.request({ path: pathname, method: 'POST', body, headers: { 'content-type': 'application/json' } }).then(({ body: answer }) => answer.dump());
});
