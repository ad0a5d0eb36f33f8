// node http-server.mjs PORT [parse]: node:http that reads each body and answers 200, no more; or parses it too.
import { createServer } from 'node:http';

createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks);
    if (process.argv[3] === 'parse') JSON.parse(body.toString());
    response.writeHead(200, { 'content-length': 0 }).end();
  });
}).listen(Number(process.argv[2]), '127.0.0.1');
process.on('disconnect', () => process.exit(0));
