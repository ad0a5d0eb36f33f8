import { LannerError } from '../../lib/errors.ts';
import type { Source, SourceHealth } from '../../model/intake.ts';
import type { Log } from '../../telemetry/log.ts';
import type { FalcoHttpConfig } from './config.ts';
import { closed, frontFor, listen, serverFor, watchTls } from './http-server.ts';
import { openFalcoReader } from './reader.ts';
import { openReceiver, TEXT_MEND } from './receiver.ts';

export interface FalcoHttpDeps {
  log: Log;
  /** Milliseconds since the epoch. */
  now?: () => number;
  /** Sees each document before anything else does: `lanner record`. */
  tap?: (document: Buffer) => void;
  /** Gets each body that holds an alert (see `relay_execs`), unchanged. Must not throw. */
  relay?: (body: Buffer, contentType: string) => void;
}

/** A source that also tells where it listens, once it does. */
export interface FalcoHttpSource extends Source {
  /** `host:port`; undefined before it listens. */
  address(): string | undefined;
}

const LOG_EVERY_MS = 60_000;
/**
 * Receives what Falco's http_output posts, one alert a request. Falco ignores the status, never repeats a request
 * and sends nothing else, on any of its outputs, until we have answered. So the alert is judged before anything
 * is awaited; what is no finding is answered at once, a finding when delivery has accepted it, and no later than
 * `answer_within_ms`.
 */
export function openFalcoHttp(name: string, config: FalcoHttpConfig, deps: FalcoHttpDeps): FalcoHttpSource {
  const now = deps.now ?? Date.now;
  const since = () => new Date(now()).toISOString();
  let health: SourceHealth = { name, type: 'falco_http', state: 'starting', since: since() };
  let bound: string | undefined;

  function enter(state: SourceHealth['state'], trouble?: LannerError): void {
    if (health.state === state && health.code === trouble?.code) return;
    const { sensor_version } = health;
    health = {
      name,
      type: 'falco_http',
      state,
      since: since(),
      ...(trouble !== undefined && { code: trouble.code, reason: `${trouble.message}. ${trouble.mend}` }),
      ...(sensor_version !== undefined && { sensor_version }),
    };
  }

  return {
    name,
    type: 'falco_http',
    health: () => health,
    address: () => bound,
    async run(intake, signal) {
      const warnings = openWarnings(name, deps.log, now);
      const reader = openFalcoReader({
        source: name,
        intake,
        log: deps.log,
        onVersion(version) {
          health.sensor_version = version;
          if (isEndangered(version)) warnings.danger(version);
        },
      });
      const receiver = openReceiver({
        config,
        intake,
        reader,
        signal,
        tap: deps.tap,
        relay: deps.relay,
        onText,
        onGood,
      });
      const server = serverFor(config, receiver.request);
      const front = frontFor(server, config, receiver, signal);
      server.on('drop', () => warnings.connections(config.max_connections));
      server.on('tlsClientError', (error) => warnings.handshake(error));
      bound = await listen(server, name, config);
      enter('ok');
      deps.log.info('listening for Falco', { source: name, address: bound, tls: config.tls !== undefined });
      const reload = watchTls(server, name, config, deps.log);
      await closed(server, front, signal);
      clearInterval(reload);
      enter('stopped');

      function onText(): void {
        const trouble = textOutput(name);
        warnings.text(trouble);
        enter('degraded', trouble);
      }
      function onGood(): void {
        if (health.code === 'falco_text_output') enter('ok');
      }
    },
  };
}

function textOutput(name: string): LannerError {
  return new LannerError(
    'falco_text_output',
    `source ${name}: Falco posts plain text, which cannot be read`,
    TEXT_MEND,
  );
}

/** Up to 0.43 Falco exits when a rule prints invalid UTF-8 as JSON, and http_output needs JSON. */
function isEndangered(version: string): boolean {
  const match = /^0\.(\d+)\./.exec(version);
  return match !== null && Number(match[1]) < 44;
}

interface Warnings {
  text(trouble: LannerError): void;
  danger(version: string): void;
  connections(limit: number): void;
  handshake(error: Error): void;
}

/** What goes wrong with each request is said once a minute. */
function openWarnings(source: string, log: Log, now: () => number): Warnings {
  const last = new Map<string, number>();
  const due = (what: string) => {
    if (now() - (last.get(what) ?? Number.NEGATIVE_INFINITY) < LOG_EVERY_MS) return false;
    last.set(what, now());
    return true;
  };
  let endangered = false;
  return {
    text(trouble) {
      if (due('text')) log.warn(trouble.message, { source, code: trouble.code, mend: trouble.mend });
    },
    danger(version) {
      if (endangered) return;
      endangered = true;
      log.warn(
        'DANGER: with json_output: true this Falco EXITS when a rule prints invalid UTF-8, as an attacker can make ours do',
        {
          source,
          code: 'falco_json_danger',
          sensor_version: version,
          mend: 'update to Falco 0.44, or set json_output: false and read the gRPC output with a source of type falco_grpc',
        },
      );
    },
    connections(limit) {
      if (due('connections')) log.warn('connections were refused', { source, max_connections: limit });
    },
    handshake(error) {
      if (!due('handshake')) return;
      log.warn('a client failed in the TLS handshake', {
        source,
        reason: error.message,
        mend: "give Falco's http_output the CA (ca_cert) and, with client_ca_file, mtls: true and a client certificate",
      });
    },
  };
}
