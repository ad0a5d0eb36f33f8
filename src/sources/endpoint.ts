/** Where a sensor listens, taken apart. */
export interface Endpoint {
  /** As configured: for messages. */
  address: string;
  /** What @grpc/grpc-js takes. */
  target: string;
  kind: 'unix' | 'tcp';
  /** Path of the unix socket. */
  path?: string;
  host?: string;
  port?: number;
}

/**
 * Reads `unix:///run/x.sock`, `unix:/run/x.sock`, `/run/x.sock`, `host:port`, `[::1]:port`. A string says what
 * is wrong with the address.
 */
export function parseEndpoint(address: string): Endpoint | string {
  const path = /^(?:unix:(?:\/\/)?)?(\/.+)$/.exec(address)?.[1];
  if (path !== undefined) return { address, target: `unix://${path}`, kind: 'unix', path };
  if (address.startsWith('unix:')) return 'the path of a unix socket must be absolute: unix:///run/…';
  const tcp = /^(?:dns:\/{0,3})?(\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+):(\d{1,5})$/.exec(address);
  const port = Number(tcp?.[2]);
  if (tcp === null || port < 1 || port > 65_535)
    return 'an address is unix:///path/to.sock, host:port or [ipv6]:port';
  const host = tcp[1] ?? '';
  return { address, target: `${host}:${port}`, kind: 'tcp', host: host.replace(/^\[|\]$/g, ''), port };
}
