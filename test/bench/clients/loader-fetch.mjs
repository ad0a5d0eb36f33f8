// node loader-fetch.mjs SOCKET URL: what a client of the usual making does. grpc-js, proto-loader's decoder, a
// set of tool names, and a fetch for each hit.
import { subscribe } from '../lib/client.mjs';
import { toolNames } from '../lib/tools.mjs';

const [socket, url] = process.argv.slice(2);
await subscribe(socket, undefined, ({ process_exec, node_name, time }) => {
  const file = process_exec?.process.binary ?? '';
  if (!toolNames.has(file.slice(file.lastIndexOf('/') + 1))) return;
  const body = JSON.stringify({ node_name, time, process_exec });
  fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json' } }).then((response) => response.text());
});
