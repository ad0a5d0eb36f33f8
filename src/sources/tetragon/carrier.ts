import type { SourceHealth } from '../../model/intake.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Endpoint } from '../endpoint.ts';
import type { TetragonConfig } from './config.ts';

type Transport = NonNullable<SourceHealth['transport']>;

/**
 * Which carrier the next connection uses. `auto` takes node:http2, and @grpc/grpc-js where node:http2 does not
 * get along with what answers and grpc-js does; where both fail, the trouble is not the carrier's.
 */
export interface Carrier {
  readonly transport: Transport;
  /** Why it is grpc-js though `auto` was configured; undefined: it is not, or that is still a trial. */
  readonly reason: string | undefined;
  /** The agent answered. */
  proven(): void;
  /** The connection has ended; `odd` is what this carrier could not read, undefined for any other trouble. */
  ended(odd: string | undefined): void;
}

/** Variables that make grpc-js go through a proxy; node:http2 goes directly. */
const PROXIES = ['grpc_proxy', 'https_proxy', 'http_proxy'];

export function openCarrier(
  name: string,
  config: Pick<TetragonConfig, 'transport'>,
  endpoint: Endpoint,
  log: Log,
  env: Record<string, string | undefined>,
): Carrier {
  const automatic = config.transport === 'auto';
  const proxy =
    endpoint.kind === 'tcp' ? PROXIES.find((variable) => (env[variable] ?? '') !== '') : undefined;
  let transport: Transport = config.transport === 'grpc_js' ? 'grpc_js' : 'http2';
  let reason: string | undefined;
  let trial: string | undefined;
  if (automatic && proxy !== undefined) {
    transport = 'grpc_js';
    reason = `${proxy} is set, and only grpc-js goes through a proxy`;
  }
  return {
    get transport() {
      return transport;
    },
    get reason() {
      return reason;
    },
    proven() {
      if (trial === undefined) return;
      reason = trial;
      trial = undefined;
      log.warn('the stream is read by grpc-js, at more CPU: node:http2 does not get along with the agent', {
        source: name,
        reason,
        until: 'Lanner is started again',
      });
    },
    ended(odd) {
      if (trial !== undefined) {
        trial = undefined;
        transport = 'http2';
      } else if (automatic && transport === 'http2' && odd !== undefined) {
        trial = odd;
        transport = 'grpc_js';
      }
    },
  };
}
