import { LannerError } from '../../lib/errors.ts';
import type { Intake, Source } from '../../model/intake.ts';
import type { Log } from '../../telemetry/log.ts';
import { openBackoff, wait } from '../backoff.ts';
import { trackConnection } from '../connection.ts';
import { parseEndpoint } from '../endpoint.ts';
import type { FalcoGrpcConfig } from './config.ts';
import { openSession } from './grpc-session.ts';
import { openFalcoReader } from './reader.ts';

export interface FalcoGrpcDeps {
  log: Log;
  /** Milliseconds since the epoch. */
  now?: () => number;
  /** Uniform in [0, 1). */
  random?: () => number;
  /** Sees each message before anything else does: `lanner record`. */
  tap?: (message: Buffer) => void;
  /** Bounds of the waits between attempts to connect. */
  backoff?: { first_ms: number; max_ms: number };
}

/**
 * Alerts from Falco's gRPC output (Falco up to 0.43), by `get` in a loop or by `sub`.
 *
 * Falco has one queue for all its gRPC clients and keeps nothing: an alert goes to one client only, and one that
 * was on its way when the connection broke is lost. What is raised while nobody is connected waits in the queue.
 * Both methods end with status OK when Falco reloads or stops; that is no end for us.
 */
export function openFalcoGrpc(name: string, config: FalcoGrpcConfig, deps: FalcoGrpcDeps): Source {
  const endpoint = parseEndpoint(config.address);
  if (typeof endpoint === 'string')
    throw new LannerError('config_invalid', `sources.${name}.address: ${endpoint}`, 'Correct the address.');
  const connection = trackConnection(name, 'falco_grpc', { log: deps.log, now: deps.now ?? Date.now });

  return {
    name,
    type: 'falco_grpc',
    health: connection.health,
    async run(intake, signal) {
      const take = taker(name, intake, deps, () => connection.health().sensor_version);
      const backoff = openBackoff({
        ...(deps.backoff ?? { first_ms: 500, max_ms: config.backoff_max_secs * 1000 }),
        random: deps.random ?? Math.random,
      });
      deps.log.info('Falco hands each alert to one gRPC client only: no other may read the same Falco', {
        source: name,
      });
      while (!signal.aborted) {
        const session = openSession(endpoint, config);
        let isUp = false;
        const reason = await session.read(intake, signal, take, (version) => {
          if (isUp) return;
          isUp = true;
          backoff.reset();
          connection.up(intake.counts, version);
        });
        session.close();
        if (signal.aborted) break;
        connection.down(intake.counts, reason);
        await wait(backoff.next(), signal);
      }
      connection.stopped();
    },
  };
}

function taker(
  source: string,
  intake: Intake,
  { log, tap }: FalcoGrpcDeps,
  version: () => string | undefined,
): (message: Buffer) => void {
  let warned = false;
  const onJsonOutput = () => {
    if (warned) return;
    warned = true;
    warnOfJsonOutput(source, log, version());
  };
  const reader = openFalcoReader({ source, intake, log, onJsonOutput });
  return (message) => {
    tap?.(message);
    reader.message(message);
  };
}

function warnOfJsonOutput(source: string, log: Log, version: string | undefined): void {
  log.warn(
    'DANGER: this Falco runs with json_output: true, and up to 0.43 it then EXITS when a rule prints invalid UTF-8, as an attacker can make ours do',
    {
      source,
      code: 'falco_json_danger',
      ...(version !== undefined && { sensor_version: version }),
      mend: 'set json_output: false in falco.yaml (the gRPC output does not need it), or update to Falco 0.44 and use http_output',
    },
  );
}
