import type { GrpcStatus } from '../grpc-errors.ts';
import type { TlsMaterial } from '../tls.ts';

/**
 * One connection to an agent, whatever carries it. Calls that fail reject with a GrpcStatus. The carriers are
 * held to the same tests.
 */
export interface AgentLink {
  /** GetVersion: the first call, which proves who answers. */
  version(timeoutSecs: number): Promise<string>;
  /** GetHealth, on the same connection as the stream where the carrier can. */
  health(timeoutSecs: number): Promise<void>;
  /** GetEvents. Messages are handed over as they come and the stream is never paused. */
  events(request: Buffer, onMessage: TakeMessage): EventStream;
  /** Ends all calls and closes the connection. May be called twice. */
  close(): void;
}

/** Takes the message `bytes[start..end)`. The bytes are the carrier's again afterwards: who keeps some copies them. */
export type TakeMessage = (bytes: Buffer, start: number, end: number) => void;

export interface EventStream {
  /** How it ended: code and details, OK included. Never rejects. */
  ended: Promise<GrpcStatus>;
  cancel(): void;
}

/** What a carrier needs to connect. */
export interface LinkOptions {
  /** What @grpc/grpc-js takes: `unix:///path` or `host:port`. */
  target: string;
  path?: string;
  host?: string;
  port?: number;
  tls?: (TlsMaterial & { server_name?: string | undefined }) | undefined;
  maxMessageBytes: number;
}

/** Big windows: the agent's sender never waits for us, since a slow client loses events in silence. */
export const windowBytes = 8 * 1024 * 1024;
