import type { ExecEvent } from '../../model/exec-event.ts';
import type { Intake } from '../../model/intake.ts';
import type { Log } from '../../telemetry/log.ts';
import { type FalcoKind, kindOf } from './early.ts';
import { decodeAlert, type FalcoAlert, parseAlert } from './message.ts';
import { normalizeAlert } from './normalize.ts';
import { openFalcoReader } from './reader.ts';
import { alertScanner, newSpans } from './spans.ts';

export { type FalcoGrpcConfig, type FalcoHttpConfig, falcoGrpcSchema, falcoHttpSchema } from './config.ts';
export { type FalcoGrpcDeps, openFalcoGrpc } from './grpc.ts';
export { falcoVersion } from './grpc-session.ts';
export { type FalcoHttpDeps, type FalcoHttpSource, openFalcoHttp } from './http.ts';
export { type FalcoReader, openFalcoReader, type Reading } from './reader.ts';

/**
 * Takes each message of a recording the way it is taken from the live source: the same counts, memory and early
 * test. `frames` are messages of `falco.outputs.response`, `lines` JSON documents.
 */
export function falcoTaker(
  shape: 'frames' | 'lines',
  options: { source: string; intake: Intake; log: Log },
): (message: Buffer) => void {
  const reader = openFalcoReader(options);
  return shape === 'frames' ? (bytes) => void reader.message(bytes) : (bytes) => void reader.document(bytes);
}

/** One message read by itself, without memory of others. */
export type FalcoRecord =
  | { kind: 'exec'; alert: FalcoAlert; event: ExecEvent }
  | { kind: Exclude<FalcoKind, 'exec'>; alert: FalcoAlert }
  | { kind: 'unreadable'; error: unknown };

/** Reads a `falco.outputs.response`. Never throws. */
export function decodeFalcoRecord(bytes: Buffer, source: string): FalcoRecord {
  return record(() => decodeAlert(bytes), source);
}

/** Reads a JSON document of Falco or falcosidekick. Never throws. */
export function decodeFalcoJson(text: string, source: string): FalcoRecord {
  return record(() => parseAlert(text), source);
}

function record(read: () => FalcoAlert, source: string): FalcoRecord {
  try {
    const alert = read();
    const spans = newSpans();
    alertScanner(spans)(alert);
    const kind = kindOf(spans);
    return kind === 'exec' ? { kind, alert, event: normalizeAlert(alert, source) } : { kind, alert };
  } catch (error) {
    return { kind: 'unreadable', error };
  }
}
