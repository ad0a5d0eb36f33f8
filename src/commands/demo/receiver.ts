import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Finding } from '../../model/finding.ts';

/** A webhook receiver on loopback. `received` holds each finding once, by its webhook-id. */
export async function startReceiver(
  onFinding: (finding: Finding) => void,
): Promise<{ url: string; received: ReadonlySet<string>; close(): Promise<void> }> {
  const received = new Set<string>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const id = String(request.headers['webhook-id'] ?? '');
    response.writeHead(204).end();
    if (received.has(id)) return;
    received.add(id);
    onFinding(JSON.parse(Buffer.concat(chunks).toString('utf8')) as Finding);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/findings`,
    received,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
